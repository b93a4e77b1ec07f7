/* http_posts.h - the requests that bring records, from their headers to their answer.
 *
 *	WAITING --room, a decoder, and it goes on below--> COMING --all came, nothing wrong--> WHOLE --handed on--> TAKEN --committed--> answered
 *	   |  busy_timeout: 429                              | refused, or broken off: nothing of it is handed on
 *	   v                                                 v
 *	answered                                          answered, or closed
 *
 * The chain `whole` is what the source hands on, in the order in which they became so.
 *
 * Threads: the owner's. Memory: a struct http_post for each request, at most one for each connection; bodies in the body_room. Layer: stages. */
#pragma once

#include "stages/http_serve/http_service.h"
#include "stages/policy/rate_gate.h"
#include "stages/source/http_body.h"
#include "stages/stage.h"

enum http_body_kind { HTTP_BODY_AUTO, HTTP_BODY_LINES, HTTP_BODY_NDJSON, HTTP_BODY_JSON };

struct http_posts_options {
	struct http_service_options server;
	struct text path;
	uint64_t body; /* enum http_body_kind */
	uint64_t max_body, body_memory, busy_timeout;
	struct rate_gate_options gate;
};

enum http_post_state { HTTP_POST_WAITING, HTTP_POST_COMING, HTTP_POST_WHOLE, HTTP_POST_TAKEN };

struct http_post {
	struct http_posts *posts;
	struct http_request *request; /* NULL: it broke off, after it had become whole */
	struct http_body body;
	enum http_post_state state;
	struct chain link; /* waiting, stalled, whole or taken; COMING and not stalled: none */
	bool is_json;
	enum http_coding coding;
	uint64_t since_ns;   /* WAITING */
	bool is_being_taken; /* WHOLE: some of it is not here any more; set by who takes it */
	uint64_t records;    /* handed on so far */
	uint64_t number;     /* TAKEN: of those that were handed on, from 1 */
};

struct http_posts {
	struct stage *stage;
	const struct http_posts_options *options;
	struct http_service server;
	struct body_room room;
	struct http_decoders decoders;
	struct chain waiting, stalled, whole, taken;
	uint64_t budget; /* bytes that may still be decompressed or split in this step */
	bool
	    is_held_up; /* nothing can be handed on at the moment, and something is waiting to be */
	bool said_busy;
	struct rate_gate gate;
	void (*came)(struct stage *s); /* one more is whole: it may be taken at once */
	struct counter *too_busy, *over_rate, *refused, *broken_off;
};

size_t http_posts_memory(const struct http_posts_options *o);
void http_posts_check(const struct http_posts_options *o, struct problems *problems);

/* 0 or -ENOMEM. Counts in the stage's figures. */
int http_posts_init(struct http_posts *p, struct stage *s, const struct http_posts_options *o,
		    void (*came)(struct stage *s));
void http_posts_release(struct http_posts *p);

/* Serves; STEP_MORE, STEP_WAIT or -errno. held_up: nothing can be handed on at the moment. */
int http_posts_step(struct http_posts *p, bool held_up);

/* The first that is whole: the caller's to hand on, body first. NULL: there is none. */
struct http_post *http_posts_whole(const struct http_posts *p);

/* All of it was handed on; answered by http_posts_answer(). */
void http_post_taken(struct http_post *p, uint64_t number);
/* Answers all up to that number. */
void http_posts_answer(struct http_posts *p, uint64_t number, unsigned status);

/* No new requests; those that are not whole are broken off. */
void http_posts_stop(struct http_posts *p);

/* Ours, and behind them a journal's. */
enum { HTTP_FIGURES = 10 };
extern const char *const http_figures[];
