/* sift.h - goes over a batch once, record by record: what is kept moves to the front of the array.
 *
 *	sift_begin(&s, b);
 *	while (s.passed < b->count)
 *		sift_next(&s, whether records[s.passed] stays);
 *	sift_end(&s);
 *
 * Threads: the batch's owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/batch.h"

struct sift {
	struct batch *batch;
	uint32_t passed, kept;
	uint64_t bytes; /* of those kept */
	bool last_kept; /* the record before `passed` */
};

static inline void sift_begin(struct sift *s, struct batch *b)
{
	*s = (struct sift){.batch = b};
}

static inline void sift_next(struct sift *s, bool keep)
{
	struct batch *b = s->batch;
	uint32_t at = s->passed++;
	s->last_kept = keep;
	if (!keep)
		return;
	s->bytes += b->records[at].length;
	if (b->row_count > 0)
		b->rows[s->kept] = b->rows[at];
	b->records[s->kept++] = b->records[at];
}

/* Puts count, bytes_total and unterminated right. */
static inline void sift_end(struct sift *s)
{
	struct batch *b = s->batch;
	b->unterminated = b->unterminated && s->last_kept;
	b->count = s->kept;
	b->bytes_total = s->bytes;
}
