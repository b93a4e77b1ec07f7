/* Queue: what it holds, in what order, how it waits, and what a batch does. Its semantics as CPython tests them
 * are in test_conformance.c and test_conformance_shutdown.c, its end in test_shutdown.c. */
#include "tests/unit/ringbuf/ringbuf_testing.h"

#include <stdlib.h>

static void set_up(void)
{
	waiter_setup(true);
}

TestSuite(queue, .init = set_up, .timeout = 120);

static const size_t capacities[] = {1, 2, 3, 5, 8, 1000};
enum { CAPACITIES = sizeof(capacities) / sizeof(capacities[0]) };

static const uint64_t starts[] = {
    0, 1, UINT32_MAX - 2, (UINT64_MAX >> 1) - 2, UINT64_MAX - 2, UINT64_MAX};
enum { STARTS = sizeof(starts) / sizeof(starts[0]) };

/* ---- Making one ---- */

Test(queue, capacity_0_is_refused_and_can_be_released)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		cr_assert_eq(queue_init(&q, 0, mode), -EINVAL);
		queue_release(&q);
	}
}

Test(queue, capacity_beyond_memory_is_refused_and_can_be_released)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		cr_assert_eq(queue_init(&q, SIZE_MAX, mode), -ENOMEM);
		queue_release(&q);
		cr_assert_eq(queue_init(&q, SIZE_MAX / 2, mode), -ENOMEM);
		queue_release(&q);
	}
}

Test(queue, may_stand_anywhere_malloc_puts_it)
{
	BOTH_MODES(mode)
	{
		struct queue *q = malloc(sizeof(*q));
		init(q, 2, mode);
		put(q, 1);
		cr_assert_eq(get(q), 1);
		queue_release(q);
		free(q);
	}
}

/* ---- Capacity, order and position, wherever the indices start ---- */

/* A consumer that is interrupted between drawing its ticket and moving the item out: the one sleeping there may be made to wait. */
Test(queue, item_being_moved_out_still_takes_its_room)
{
	for (size_t capacity = 1; capacity <= 5; capacity++) {
		struct queue q;
		init(&q, capacity, QUEUE_MPMC);
		for (size_t i = 0; i < capacity; i++) {
			cr_assert(queue_has_room(&q));
			put(&q, i + 1);
		}
		cr_assert_not(queue_has_room(&q));
		atomic_fetch_add(&q.mpmc.get, MPMC_TICKET);
		cr_assert_lt(queue_size(&q), capacity);
		cr_assert_not(queue_has_room(&q));
		cr_assert_eq(queue_try_put(&q, &q), -EAGAIN);
		atomic_fetch_sub(&q.mpmc.get, MPMC_TICKET);
		cr_assert_eq(get(&q), 1);
		cr_assert(queue_has_room(&q));
		put(&q, 1);
		queue_release(&q);
	}
}

/* Fills and empties q three times, looking at everything on the way. */
static void go_round(struct queue *q, size_t capacity)
{
	uint64_t position = 0;
	for (uintptr_t lap = 0; lap < 3; lap++) {
		for (size_t i = 0; i < capacity; i++) {
			cr_assert_eq(queue_size(q), i);
			cr_assert_not(queue_full(q));
			cr_assert(queue_has_room(q));
			put(q, lap * capacity + i + 1);
			cr_assert_not(queue_empty(q));
		}
		cr_assert(queue_full(q));
		cr_assert_not(queue_has_room(q));
		cr_assert_eq(queue_try_put(q, item(99)), -EAGAIN, "more than %zu fit", capacity);
		cr_assert_eq(queue_unfinished(q), capacity);
		for (size_t i = 0; i < capacity; i++, position++) {
			void *got = NULL;
			uint64_t at = 0;
			cr_assert_eq(queue_try_get_at(q, &got, &at), 0);
			cr_assert_eq((uintptr_t)got, lap * capacity + i + 1);
			cr_assert_eq(at, position);
		}
		cr_assert(queue_empty(q));
		cr_assert_eq(try_get(q), -EAGAIN);
		cr_assert_eq(queue_task_done(q, capacity), 0);
		cr_assert_eq(queue_unfinished(q), 0);
	}
}

Test(queue, holds_exactly_its_capacity_wherever_it_starts)
{
	BOTH_MODES(mode)
	for (int c = 0; c < CAPACITIES; c++)
		for (int s = 0; s < STARTS; s++) {
			struct queue q;
			cr_assert_eq(queue_init_at(&q, capacities[c], mode, starts[s]), 0);
			cr_assert_eq(queue_capacity(&q), capacities[c]);
			go_round(&q, capacities[c]);
			queue_release(&q);
		}
}

/* One item in, one out, with a different number in between each time. */
Test(queue, keeps_order_at_every_fill_across_the_wrap)
{
	BOTH_MODES(mode)
	for (int s = 0; s < STARTS; s++) {
		struct queue q;
		uintptr_t in = 1, out = 1;
		cr_assert_eq(queue_init_at(&q, 5, mode, starts[s]), 0);
		for (unsigned step = 0; step < 200; step++) {
			for (unsigned n = step % 5; n > 0 && !queue_full(&q); n--)
				put(&q, in++);
			for (unsigned n = step * 7 % 4; n > 0 && !queue_empty(&q); n--)
				cr_assert_eq(get(&q), out++);
		}
		cr_assert_gt(out, 100);
		queue_release(&q);
	}
}

Test(queue, failed_get_leaves_the_callers_variables)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		void *got = item(42);
		uint64_t at = 43;
		init(&q, 2, mode);
		cr_assert_eq(queue_try_get_at(&q, &got, &at), -EAGAIN);
		cr_assert_eq(queue_get_until(&q, &got, 0), -ETIMEDOUT);
		cr_assert_eq(got, item(42));
		cr_assert_eq(at, 43);
		queue_release(&q);
	}
}

Test(queue, carries_null)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		void *got = item(1);
		init(&q, 1, mode);
		put(&q, 0);
		cr_assert_eq(queue_try_get(&q, &got), 0);
		cr_assert_null(got);
		queue_release(&q);
	}
}

/* ---- Batches ---- */

Test(queue, batch_takes_what_fits_and_gives_what_is_there)
{
	BOTH_MODES(mode)
	for (int s = 0; s < STARTS; s++) {
		struct queue q;
		void *in[7], *out[7] = {NULL};
		for (uintptr_t i = 0; i < 7; i++)
			in[i] = item(i + 1);
		cr_assert_eq(queue_init_at(&q, 5, mode, starts[s]), 0);
		cr_assert_eq(queue_try_get_many(&q, out, 7), -EAGAIN);
		cr_assert_eq(queue_try_put_many(&q, in, 3), 3);
		cr_assert_eq(queue_try_put_many(&q, in + 3, 4), 2);
		cr_assert_eq(queue_try_put_many(&q, in + 5, 2), -EAGAIN);
		cr_assert_eq(queue_size(&q), 5);
		cr_assert_eq(queue_try_get_many(&q, out, 2), 2);
		cr_assert_eq(queue_try_put_many(&q, in + 5, 2), 2);
		cr_assert_eq(queue_try_get_many(&q, out + 2, 7), 5);
		for (uintptr_t i = 0; i < 7; i++)
			cr_assert_eq(out[i], item(i + 1));
		cr_assert_eq(queue_unfinished(&q), 7);
		queue_release(&q);
	}
}

Test(queue, batch_of_none_is_none)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		cr_assert_eq(queue_try_put_many(&q, NULL, 0), 0);
		cr_assert_eq(queue_try_get_many(&q, NULL, 0), 0);
		queue_release(&q);
	}
}

Test(queue, batch_and_single_forms_mix)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		void *out[4];
		uint64_t at;
		init(&q, 4, mode);
		put(&q, 1);
		cr_assert_eq(queue_try_put_many(&q, (void *[]){item(2), item(3)}, 2), 2);
		put(&q, 4);
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(queue_try_get_many(&q, out, 2), 2);
		cr_assert_eq(out[1], item(3));
		cr_assert_eq(queue_try_get_at(&q, out, &at), 0);
		cr_assert_eq(at, 3, "a batch counts each of its items");
		queue_release(&q);
	}
}

/* ---- Deadlines ---- */

Test(queue, get_gives_up_at_its_deadline_not_before)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		void *got;
		init(&q, 1, mode);
		uint64_t deadline = in_ms(20);
		cr_assert_eq(queue_get_until(&q, &got, deadline), -ETIMEDOUT);
		cr_assert_geq(now_ns(), deadline);
		cr_assert_eq(waitlist_armed(queue_getters(&q)), 0, "it must not stay armed");
		queue_release(&q);
	}
}

Test(queue, put_gives_up_at_its_deadline_not_before)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		put(&q, 1);
		uint64_t deadline = in_ms(20);
		cr_assert_eq(queue_put_until(&q, item(2), deadline), -ETIMEDOUT);
		cr_assert_geq(now_ns(), deadline);
		cr_assert_eq(waitlist_armed(queue_putters(&q)), 0);
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(try_get(&q), -EAGAIN, "the item given up on must not be there");
		queue_release(&q);
	}
}

Test(queue, join_gives_up_at_its_deadline_not_before)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		put(&q, 1);
		uint64_t deadline = in_ms(20);
		cr_assert_eq(queue_join_until(&q, deadline), -ETIMEDOUT);
		cr_assert_geq(now_ns(), deadline);
		cr_assert_eq(waitlist_armed(queue_joiners(&q)), 0);
		queue_release(&q);
	}
}

Test(queue, deadline_long_past_still_takes_what_is_there)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		void *got = NULL;
		init(&q, 1, mode);
		cr_assert_eq(queue_put_until(&q, item(7), 0), 0);
		cr_assert_eq(queue_get_until(&q, &got, 0), 0);
		cr_assert_eq(got, item(7));
		cr_assert_eq(queue_task_done(&q, 1), 0);
		cr_assert_eq(queue_join_until(&q, 0), 0);
		queue_release(&q);
	}
}

Test(queue, wait_with_a_deadline_is_ended_by_what_it_waits_for)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call c;
		init(&q, 1, mode);
		start_until(&c, call_get, &q, 0, in_ms(PATIENCE_S * 1000));
		await_armed(queue_getters(&q), 1);
		put(&q, 5);
		cr_assert_eq(finish(&c), 0);
		cr_assert_eq(c.item, item(5));
		queue_release(&q);
	}
}

/* ---- Waking ---- */

/* A waiter that only notes its wakes: it stands for one that was woken and has not got round to it. */
struct noting {
	struct waiter waiter;
	unsigned wakes;
	struct wait_node node;
};

static void note(struct waiter *w)
{
	((struct noting *)w)->wakes++;
}

static void arm(struct waitlist *l, struct noting *n)
{
	*n = (struct noting){.waiter.wake = note};
	n->node.waiter = &n->waiter;
	waitlist_arm(l, &n->node);
	waiter_barrier();
}

Test(queue, batch_put_wakes_one_getter_and_each_get_wakes_the_next)
{
	struct queue q;
	struct noting n[3];
	init(&q, 8, QUEUE_MPMC);
	for (int i = 0; i < 3; i++)
		arm(queue_getters(&q), &n[i]);
	cr_assert_eq(queue_try_put_many(&q, (void *[]){item(1), item(2)}, 2), 2);
	cr_assert_eq(n[0].wakes, 1);
	cr_assert_eq(n[1].wakes, 0, "the one woken decides whether another is needed");
	get(&q);
	cr_assert_eq(n[1].wakes, 1, "an item is left");
	get(&q);
	cr_assert_eq(n[2].wakes, 0, "nothing is left to wake for");
	for (int i = 0; i < 3; i++)
		waitlist_disarm(queue_getters(&q), &n[i].node);
	queue_release(&q);
}

Test(queue, batch_get_wakes_one_putter_and_each_put_wakes_the_next)
{
	struct queue q;
	struct noting n[3];
	void *out[2];
	init(&q, 2, QUEUE_MPMC);
	put(&q, 1);
	put(&q, 2);
	for (int i = 0; i < 3; i++)
		arm(queue_putters(&q), &n[i]);
	cr_assert_eq(queue_try_get_many(&q, out, 2), 2);
	cr_assert_eq(n[0].wakes, 1);
	cr_assert_eq(n[1].wakes, 0);
	put(&q, 3);
	cr_assert_eq(n[1].wakes, 1, "there is still room");
	put(&q, 4);
	cr_assert_eq(n[2].wakes, 0, "now there is none");
	for (int i = 0; i < 3; i++)
		waitlist_disarm(queue_putters(&q), &n[i].node);
	queue_release(&q);
}

/* As who sleeps in its own way does it: see waiter.h. */
Test(queue, wake_taken_and_not_used_reaches_the_next_when_passed_on)
{
	struct queue q;
	struct noting late;
	struct call c;
	init(&q, 4, QUEUE_MPMC);
	arm(queue_getters(&q), &late);
	start(&c, call_get, &q, 0);
	await_armed(queue_getters(&q), 2);
	put(&q, 1);
	cr_assert_eq(late.wakes, 1, "who waits longest is woken");
	cr_assert_eq(waitlist_armed(queue_getters(&q)), 1, "and the other sleeps on");
	cr_assert(waitlist_disarm(queue_getters(&q), &late.node), "a wake was taken");
	waitlist_wake_one(queue_getters(&q));
	cr_assert_eq(finish(&c), 0);
	queue_release(&q);
}

/* Getters whose deadline falls on the moment of the put, and one without a deadline: if one of them takes the
 * wake, gives up and takes no item either, then the last must have been woken in its place, or sleeps for ever
 * beside the item. */
Test(queue, wakes_are_not_lost_to_getters_that_time_out)
{
	enum { IMPATIENT = 2, ROUNDS = 300 };
	unsigned timed_out = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct queue q;
		struct call impatient[IMPATIENT], patient;
		unsigned got = 0;
		init(&q, 4, QUEUE_MPMC);
		uint64_t deadline = now_ns() + 150000 + round * 1000;
		for (int i = 0; i < IMPATIENT; i++)
			start_until(&impatient[i], call_get, &q, 0, deadline);
		start(&patient, call_get, &q, 0);
		while (now_ns() < deadline)
			sched_yield();
		put(&q, 1);
		for (int i = 0; i < IMPATIENT; i++)
			got += finish(&impatient[i]) == 0;
		if (got > 0)
			put(&q, 2);
		timed_out += IMPATIENT - got;
		cr_assert_eq(finish(&patient), 0);
		cr_assert_eq(patient.item, item(got + 1));
		queue_release(&q);
	}
	cr_assert_gt(timed_out, 0);
}

Test(queue, last_task_done_wakes_all_who_join)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call c[3];
		init(&q, 2, mode);
		put(&q, 1);
		put(&q, 2);
		for (int i = 0; i < 3; i++)
			start(&c[i], call_join, &q, 0);
		await_armed(queue_joiners(&q), 3);
		get(&q);
		get(&q);
		cr_assert_eq(queue_task_done(&q, 1), 0);
		cr_assert_eq(waitlist_armed(queue_joiners(&q)), 3, "one is unfinished");
		cr_assert_eq(queue_task_done(&q, 1), 0);
		for (int i = 0; i < 3; i++)
			cr_assert_eq(finish(&c[i]), 0);
		queue_release(&q);
	}
}

/* ---- task_done ---- */

Test(queue, task_done_too_often_changes_nothing)
{
	BOTH_MODES(mode)
	for (int s = 0; s < STARTS; s++) {
		struct queue q;
		cr_assert_eq(queue_init_at(&q, 4, mode, starts[s]), 0);
		cr_assert_eq(queue_task_done(&q, 1), -EINVAL);
		put(&q, 1);
		put(&q, 2);
		cr_assert_eq(queue_task_done(&q, 3), -EINVAL);
		cr_assert_eq(queue_task_done(&q, UINT64_MAX), -EINVAL);
		cr_assert_eq(queue_unfinished(&q), 2);
		cr_assert_eq(queue_task_done(&q, 0), 0);
		cr_assert_eq(queue_task_done(&q, 2), 0);
		cr_assert_eq(queue_task_done(&q, 1), -EINVAL);
		cr_assert_eq(queue_unfinished(&q), 0);
		cr_assert_eq(get(&q), 1, "what is queued is not concerned");
		queue_release(&q);
	}
}
