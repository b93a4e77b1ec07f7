/* request_lane.h - one request from its first record to its answer, however often it has to be sent.
 *
 *   FREE -- a record --> FILLING -- full, or old enough --> COMPOSING --> PACKING --> TRYING -- its turn --> RUNNING
 *    ^                                                        ^  ^                      ^                      |
 *    |                                                        |  +-- some items again --|-- again -------------+
 *    |                                                        +----- 413: in halves ----------------------------+
 *    |                                                                                   |                      | refused for good
 *    +-- all answered, or given up -- GIVING UP: handed on, a batch in a step <-----------+----------------------+
 *
 * Threads: the sink's. Memory: malloc, up to what request_lane_footprint() says, and one record that is longer. Layer: stages. */
#pragma once

#include "ringbuf/reasons.h"
#include "stages/batch_tally.h"
#include "stages/http_call/http_answer.h"
#include "stages/http_call/request_form.h"
#include "stages/http_call/request_key.h"
#include "stages/http_call/request_pack.h"
#include "stages/policy/calls.h"
#include "stages/stored.h"

/* Who reads waits for batches to come back. */
enum { REQUEST_HELD_MAX = 16 };

enum lane_state {
	LANE_FREE,
	LANE_FILLING,
	LANE_COMPOSING,
	LANE_PACKING,
	LANE_TRYING,
	LANE_RUNNING,
	LANE_GIVING_UP,
};

/* What the lanes of a sink have in common. */
struct request_world {
	struct stage *stage;
	const struct request_options *options;
	struct request_writer writer;
	struct request_keys keys;
	struct curl_loop loop;
	struct calls calls;
	struct batch_tally tally;
	struct stored stored;
	struct reasons told; /* those of which the server's own words were */
	char *url;
	struct inlet *in; /* of the step at hand */
	bool is_ordered;
	uint64_t sealed, settled; /* requests, counted up */
};

/* stage_type.figures of who has one. */
enum { FIGURE_SPLIT, FIGURE_ITEMS_AGAIN, FIGURE_CUT_OFF, REQUEST_FIGURES };
extern const char *const request_figures[];

struct request_lane {
	struct request_world *world;
	enum lane_state state;
	struct request_items items;
	struct part_queue parts;
	uint64_t part_of; /* the batch that was told of last, counted from 1 */
	uint64_t number;  /* of the request; with others in order */
	uint64_t epoch, in_epoch;
	uint64_t since_ns, read_ns;
	uint8_t *body;
	size_t body_length, body_room;
	struct request_pack pack;
	struct call call;
	struct http_transfer transfer;
	struct batch *held
	    [REQUEST_HELD_MAX]; /* that its records are of, where those that are refused go to somebody */
	size_t held_count;
	enum item_fate *fates; /* of those that were sent last */
	size_t fate_room;
	const char *refused_why, *again_why; /* again_why NULL: none of them goes again */
};

/* 0, -ENOMEM, -EINVAL; request_lane_release() in any case. */
int request_lane_init(struct request_lane *l, struct request_world *w);
/* Nothing is in flight, but a transfer that libcurl has may be. */
void request_lane_release(struct request_lane *l);
size_t request_lane_footprint(const struct request_options *o);

/* Of one that is free or filling. 1: the record is in it; 0: it does not fit, and goes into the next one, as this one is sealed; -ENOMEM;
 * -EMSGSIZE, -ENAMETOOLONG: it fits nowhere. */
int request_lane_put(struct request_lane *l, struct batch *b, uint32_t record);

/* What it is filled with goes. */
void request_lane_seal(struct request_lane *l);

/* Goes on with what can go on. STEP_MORE, STEP_WAIT or -errno, which has been said. */
int request_lane_step(struct request_lane *l);

/* Its transfer has ended. As request_lane_step(). */
int request_lane_answered(struct request_lane *l, CURLcode code);

/* Takes back what is under way, and lets its batches go: it is released next. */
void request_lane_cancel(struct request_lane *l);
