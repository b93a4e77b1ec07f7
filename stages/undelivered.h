/* undelivered.h - records that a sink could not store after all, and what becomes of them: `on_error`.
 *
 *	if (!inlet_may_hand_on(in))                        once in a step; the worker steps it when there is room
 *		return STEP_WAIT;
 *	r = undelivered_settle(s, in, b, &(struct undelivered){.reason = "HTTP 400", .attempts = 1});
 *	batch_free(&b), inlet_done(in, 1)                  still the caller's, like any that is stored
 *
 *   dead_letter: they go to that sink, as they were before they were encoded     drop: they are gone, counted
 *   a fallback:  the same, and nothing is said of them                           stop: -EBADMSG, said
 *
 * Threads: the stage's. Memory: the caller's. Layer: stages. */
#pragma once

#include "stages/stage.h"

struct undelivered {
	const uint64_t *which; /* a bit for each record of the batch; NULL: all */
	const char *reason;    /* static */
	uint64_t attempts;     /* made of it, 1 or more; 0: none was worth it */
};

/* Of what `which` points to, that one too. */
static inline void undelivered_mark(uint64_t which[BATCH_RECORDS_MAX / 64], uint32_t record)
{
	which[record / 64] |= UINT64_C(1) << record % 64;
}

/* 0, or -EBADMSG: the run is to stop. The batch stays the caller's, as it is. */
int undelivered_settle(struct stage *s, struct inlet *in, const struct batch *b,
		       const struct undelivered *u);

/* They go to somebody: the batch has to be held until it is known what is stored. */
static inline bool undelivered_go_on(const struct stage *s)
{
	return s->on_error == ON_ERROR_DEAD_LETTER || s->on_error == ON_ERROR_FALL_BACK;
}

/* Where they go to nobody: the same, of so many records, wherever their batches are. u->which means nothing. */
int undelivered_count(struct stage *s, uint64_t records, const struct undelivered *u);
