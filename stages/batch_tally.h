/* batch_tally.h - which batches are stored, in the order in which they came, when parts of each go different ways.
 *
 *       first                          next
 *        v                              v
 *   [ .. | 0 | 2 | 0 | 1 + the one put | .. ]      parts not stored yet; first goes on when it has none
 *
 * Who stores parts keeps the numbers of their batches, in the order in which they will be stored:
 *
 *   part_queue   [ .. | 17 | 18 | 20 | .. ]
 *
 * Threads: the owner's. Memory: the structures. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BATCH_TALLY_MAX = 4096 };

struct batch_tally {
	uint64_t first, next; /* only ever counted up; batch = number % BATCH_TALLY_MAX */
	uint32_t parts[BATCH_TALLY_MAX];
};

/* All zero is an empty one. At most one part of a batch at a time. */
struct part_queue {
	uint64_t first, next;
	uint16_t of[BATCH_TALLY_MAX]; /* numbers, of which the low bits tell */
};

static inline bool batch_tally_has_room(const struct batch_tally *t)
{
	return t->next - t->first < BATCH_TALLY_MAX;
}

/* Another batch is being put. Needs room. */
void batch_tally_begin(struct batch_tally *t);

/* A part of it, which it had not been told of, has been given to q. */
void batch_tally_put_part(struct batch_tally *t, struct part_queue *q);

/* All of it has been put. */
void batch_tally_end(struct batch_tally *t);

/* The oldest `count` parts in q are stored. */
void batch_tally_stored(struct batch_tally *t, struct part_queue *q, size_t count);

/* How many batches have been stored, and all before them, since this was last asked. */
size_t batch_tally_take(struct batch_tally *t);
