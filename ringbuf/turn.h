/* turn.h - tickets called in order: how several workers on one queue hand on their results in the order in which
 * they drew the work.
 *
 *   worker A draws 7 ... works ........... turn_is(7): puts, turn_pass(7)
 *   worker B draws 8 .. works . waits ....................................turn_is(8): puts, ...
 *
 * The release store in turn_pass pairs with the acquire load in turn_is: what the holder of 7 did happens before
 * what the holder of 8 does, so they may share a single-producer structure.
 *
 * Threads: any; each ticket has one holder. Memory: the caller's. Layer: libc only. */
#pragma once

#include "ringbuf/waiter.h"

#define TURN_BROKEN UINT64_MAX /* no ticket: more than will ever be drawn */

struct turn {
	_Atomic uint64_t next;
	struct waitlist waiting;
};

void turn_init(struct turn *t, uint64_t first);
void turn_release(struct turn *t);

static inline bool turn_is(struct turn *t, uint64_t ticket)
{
	uint64_t next = atomic_load_explicit(
	    &t->next, memory_order_acquire); /* pairs with turn_pass, turn_break */
	return next == ticket || next == TURN_BROKEN;
}

/* The holder of `ticket`, whose turn it is, is through: calls the next and wakes all who wait. */
void turn_pass(struct turn *t, uint64_t ticket);

/* The same, but the holder has failed: it is everybody's turn from now on, and each can see that it is broken. */
void turn_break(struct turn *t, uint64_t ticket);

/* For a holder whose turn it is: true if one before it broke it. */
static inline bool turn_is_broken(struct turn *t)
{
	/* acquire: pairs with turn_break */
	return atomic_load_explicit(&t->next, memory_order_acquire) == TURN_BROKEN;
}
