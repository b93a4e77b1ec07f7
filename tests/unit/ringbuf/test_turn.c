/* Turns: tickets in order, across threads. */
#include "ringbuf/parker.h"
#include "ringbuf/turn.h"
#include "tests/unit/ringbuf/ringbuf_testing.h"

static void set_up(void)
{
	waiter_setup(true);
}

TestSuite(turn, .init = set_up, .timeout = 60);

Test(turn, starts_at_the_first_ticket)
{
	struct turn t;
	turn_init(&t, 7);
	cr_assert(turn_is(&t, 7));
	cr_assert_not(turn_is(&t, 8));
	turn_pass(&t, 7);
	cr_assert(turn_is(&t, 8));
	turn_release(&t);
}

Test(turn, broken_is_everybodys_and_they_can_tell)
{
	struct turn t;
	turn_init(&t, 7);
	cr_assert_not(turn_is_broken(&t));
	turn_break(&t, 7);
	cr_assert(turn_is(&t, 8));
	cr_assert(turn_is(&t, 900));
	cr_assert(turn_is_broken(&t));
	turn_release(&t);
}

enum { HOLDERS = 4, TICKETS = 4000 };

static struct turn shared_turn;
static uint64_t calls[TICKETS]; /* plain memory: only the turn orders the accesses */
static uint64_t called;

static void await_turn(uint64_t ticket)
{
	while (!turn_is(&shared_turn, ticket)) {
		struct parker p;
		parker_init(&p);
		struct wait_node node = {.waiter = &p.waiter};
		waitlist_arm(&shared_turn.waiting, &node);
		waiter_barrier();
		if (!turn_is(&shared_turn, ticket))
			parker_wait(&p, PARKER_FOREVER);
		waitlist_disarm(&shared_turn.waiting, &node);
	}
}

static void *holder_main(void *arg)
{
	for (uint64_t ticket = (uintptr_t)arg; ticket < TICKETS; ticket += HOLDERS) {
		await_turn(ticket);
		calls[called++] = ticket;
		turn_pass(&shared_turn, ticket);
	}
	return NULL;
}

static void holders_are_called_in_order(bool membarrier)
{
	waiter_setup(membarrier);
	pthread_t threads[HOLDERS];
	turn_init(&shared_turn, 0);
	for (uintptr_t i = 0; i < HOLDERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, holder_main, (void *)i), 0);
	for (int i = 0; i < HOLDERS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(called, TICKETS);
	for (uint64_t i = 0; i < TICKETS; i++)
		cr_assert_eq(calls[i], i);
	turn_release(&shared_turn);
}

Test(turn, sleeping_holders_are_called_in_order)
{
	holders_are_called_in_order(true);
}

Test(turn, sleeping_holders_are_called_in_order_without_membarrier)
{
	holders_are_called_in_order(false);
}
