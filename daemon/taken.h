/* taken.h - what a sink has taken and not done, shared with it, so that it can take it once more when it begins anew by itself.
 *
 *      first            next             end
 *       v                v                v
 *   [ . | taken, not done | to be taken again ]     next is end, unless it has begun anew
 *
 * Threads: the worker's. Memory: pointers, malloc; the batches' homes lack them until they are done. Layer: daemon. */
#pragma once

#include "stages/batch.h"

struct taken {
	struct batch **ring;
	size_t room; /* a power of two */
	size_t first, count, next;
	bool on;
};

/* All zero keeps nothing. */
void taken_keep_from_now(struct taken *t);
/* Drops all, and keeps nothing more. */
void taken_release(struct taken *t);

/* Another one is taken. No memory for it: from then on nothing is kept. */
void taken_add(struct taken *t, struct batch *b);

/* The oldest n are done. They have been taken, be it again. */
void taken_done(struct taken *t, size_t n);

/* The sink has let go of all that it had: it is to be taken again. */
void taken_rewind(struct taken *t);

/* The next to be taken again, the caller's to free; NULL: none is. */
struct batch *taken_again(struct taken *t);

static inline bool taken_has_again(const struct taken *t)
{
	return t->next < t->count;
}
