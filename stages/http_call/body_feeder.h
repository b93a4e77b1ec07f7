/* body_feeder.h - a body that was fetched whole, to batches: its lines, all of it, or the elements of its JSON list.
 *
 *	body_feeder_begin(f, &body)                0; -EBADMSG: it is no JSON list or object
 *	while ((r = body_feeder_next(f, &b)) == 1) emit
 *	r == 0: that was all; -EAGAIN: wait for a buffer or a batch, and ask again
 *
 * Threads: the source's. Memory: the home's buffers; of a JSON list, its length once more. The body stays put until the end, or
 * body_feeder_forget(). Layer: stages. */
#pragma once

#include "stages/framing_options.h"
#include "stages/http_call/json_items.h"
#include "stages/intake.h"
#include "stages/json/json_plan.h"

enum body_split { SPLIT_LINES, SPLIT_BODY, SPLIT_JSON };

struct fetched_body {
	const uint8_t *bytes;
	size_t length;
	uint64_t read_ns;
	int64_t wall_ns;
	const char *shown; /* for messages: where it is from */
};

struct body_feeder {
	struct stage *stage;
	enum body_split split;
	struct framing framing;
	struct framer framer;
	struct intake intake;
	struct json_plan plan; /* SPLIT_JSON */
	/* The body at hand. */
	struct fetched_body body;
	size_t taken;  /* of its bytes */
	uint8_t *list; /* SPLIT_JSON: it, within an object */
	struct json_items rest;
	struct text_span element; /* the next; bytes NULL: the rest has it */
};

/* 0 or -ENOMEM; body_feeder_release() in any case. */
int body_feeder_init(struct body_feeder *f, struct stage *s, const struct framing_options *o,
		     enum body_split split);
void body_feeder_release(struct body_feeder *f);

/* What the buffers of the source's home must hold. */
size_t body_feeder_capacity(const struct framing_options *o, enum body_split split,
			    uint64_t body_max);

int body_feeder_begin(struct body_feeder *f, const struct fetched_body *body);
int body_feeder_next(struct body_feeder *f, struct batch **ret_batch);
void body_feeder_forget(struct body_feeder *f);
