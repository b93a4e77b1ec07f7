/* turn.c - passing the turn on. */
#include "ringbuf/turn.h"

#include <assert.h>

void turn_init(struct turn *t, uint64_t first)
{
	atomic_init(&t->next, first);
	waitlist_init(&t->waiting);
}

void turn_release(struct turn *t)
{
	waitlist_release(&t->waiting);
}

void turn_pass(struct turn *t, uint64_t ticket)
{
	assert(turn_is(t, ticket));
	/* release: pairs with the acquire load in turn_is(). By comparison, so that a broken turn stays broken. */
	atomic_compare_exchange_strong_explicit(&t->next, &ticket, ticket + 1, memory_order_release,
						memory_order_relaxed);
	waitlist_wake_all(&t->waiting);
}

void turn_break(struct turn *t)
{
	/* release: pairs with the acquire load in turn_is() */
	atomic_store_explicit(&t->next, TURN_BROKEN, memory_order_release);
	waitlist_wake_all(&t->waiting);
}
