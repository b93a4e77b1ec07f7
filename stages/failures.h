/* failures.h - the records of one batch that a stage could do nothing with, and what becomes of them: `on_error`.
 *
 *	failures_begin(&f, s, b);
 *	... failures_add(&f, i, "why") ...                 for record i, in order, each once
 *	r = failures_settle(&f, &b, out);                  pass: they stay, with `error` set     drop: they are gone
 *	emit(out, &b);                                     dead_letter: they went to that sink   stop: -EBADMSG, said
 *
 * Threads: the stage's. Memory: the caller's. Layer: stages. */
#pragma once

#include "stages/stage.h"

struct failures {
	struct stage *stage;
	int column; /* of `error`; -1: nobody wants it */
	struct batch *batch;
	const char *first; /* why, of the first one */
	uint32_t count;
	uint64_t bits[BATCH_RECORDS_MAX / 64]; /* by record */
};

/* The batch has rows, if anybody wants to know why. */
void failures_begin(struct failures *f, struct stage *s, struct batch *b);

/* why: static. */
void failures_add(struct failures *f, uint32_t record, const char *why);

static inline bool failures_have(const struct failures *f, uint32_t record)
{
	return f->bits[record / 64] >> record % 64 & 1;
}

/* 0, or -EBADMSG: the run is to stop. Clears the caller's pointer when nothing is left of the batch. */
int failures_settle(struct failures *f, struct batch **b, struct outlet *out);

/* For the stage's `fields`. */
static inline void failures_declare(struct field_uses *u)
{
	fields_write_error(u);
}
