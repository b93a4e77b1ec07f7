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

static void call(struct turn *t, uint64_t next)
{
	/* release: pairs with the acquire load in turn_is() */
	atomic_store_explicit(&t->next, next, memory_order_release);
	waitlist_wake_all(&t->waiting);
}

void turn_pass(struct turn *t, uint64_t ticket)
{
	assert(turn_is(t, ticket) && !turn_is_broken(t));
	call(t, ticket + 1);
}

void turn_break(struct turn *t, uint64_t ticket)
{
	assert(turn_is(t, ticket));
	(void)ticket;
	call(t, TURN_BROKEN);
}
