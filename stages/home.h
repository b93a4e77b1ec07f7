/* home.h - where a worker's batches and buffers come from and return to: its slice of the memory budget.
 *
 * Every worker that makes batches has a home of its own, so that one that is held up by a slow reader cannot starve
 * another, and so that waiting for a free batch cannot deadlock: a worker waits only for its own batches to come back
 * from below, and the graph has no cycles.
 *
 *   owner: take  <- own list <- (all at once) <- stack <- push: any thread
 *
 * Threads: take is the owner's, give is anyone's. Memory: one mapping, taken by home_init(), in the budget; pages are
 * touched only as they are used, the last returned first. Layer: stages. */
#pragma once

#include "stages/batch.h"

struct home {
	struct stack batches_back, buffers_back; /* what others returned */
	struct stack_node *batches, *buffers;    /* the owner's */
	size_t buffer_count, buffer_capacity, batch_count;
	size_t batches_out, buffers_out; /* as the owner knows it */
	/* How many were asked for last, if they were not there. */
	size_t batches_wanted, buffers_wanted;
	void *mapping;
	size_t mapping_length;
};

struct home_size {
	size_t buffers, buffer_capacity; /* buffers may be 0: a home for clones only */
	size_t batches, columns;         /* columns: of each batch */
};

/* What home_init() will map for this much, in bytes. */
size_t home_footprint(const struct home_size *size);

/* 0 or -ENOMEM. */
int home_init(struct home *h, const struct home_size *size);

/* Everything must have come back. */
void home_release(struct home *h);

/* A buffer with one reference, the caller's, or NULL. Owner. */
struct buffer *home_take_buffer(struct home *h);

/* True if at least n batches can be taken now. Owner. */
bool home_has_batches(struct home *h, size_t n);

/* The same of buffers. Owner. */
bool home_has_buffers(struct home *h, size_t n);

/* True if so many of both can be taken now. If not, home_is_awaited() until they can. Owner. */
bool home_offers(struct home *h, size_t buffers, size_t batches);

/* True if it is short, or home_offers() has refused what still cannot be taken: the owner is to be woken when some come back. Owner. */
bool home_is_awaited(struct home *h);

/* True if there is no free buffer or no free batch: somebody who needs one has to wait. Owner. */
bool home_is_short(struct home *h);

/* True if all that was ever taken has come back. Owner. */
bool home_is_whole(struct home *h);
