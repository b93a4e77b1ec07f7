/* semaphore.h - so many at a time; those who wait are served in the order in which they came.
 *
 *	semaphore_take(s, turn)      true: has a place. false: stands in line, and asks again
 *	semaphore_give(s)            the place is free; true: the first in line may have it
 *	semaphore_leave(turn)        stands in line no longer
 *
 * Threads: the owner's. Memory: the turns are the callers', and stay where they are while in line. Layer: stages. */
#pragma once

#include "stages/chain.h"

#include <stdint.h>

struct semaphore {
	uint64_t places; /* 0: no end of them */
	uint64_t held;
	struct chain line; /* the first has waited longest */
};

void semaphore_init(struct semaphore *s, uint64_t places);

/* turn: initialised, in no line or in this one. */
bool semaphore_take(struct semaphore *s, struct chain *turn);
bool semaphore_give(struct semaphore *s);
void semaphore_leave(struct chain *turn);
