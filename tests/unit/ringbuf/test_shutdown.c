/* Shutdown: graceful and immediate, alone and while others block in every call there is. */
#include "tests/unit/ringbuf/ringbuf_testing.h"

static void set_up(void)
{
	waiter_setup(true);
}

TestSuite(shutdown, .init = set_up, .timeout = 120);

Test(shutdown, queue_drains_then_fails)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		void *out[3];
		init(&q, 3, mode);
		put(&q, 1);
		put(&q, 2);
		queue_shutdown(&q);
		queue_shutdown(&q);
		cr_assert(queue_is_shutdown(&q));
		cr_assert_eq(queue_try_put(&q, item(3)), -ESHUTDOWN);
		cr_assert_eq(queue_try_put_many(&q, out, 2), -ESHUTDOWN);
		cr_assert_eq(queue_put_until(&q, item(3), 0), -ESHUTDOWN);
		cr_assert_eq(queue_size(&q), 2);
		cr_assert_eq(queue_unfinished(&q), 2);
		cr_assert_eq(queue_try_get_many(&q, out, 3), 2);
		cr_assert_eq(out[1], item(2));
		cr_assert_eq(try_get(&q), -ESHUTDOWN);
		cr_assert_eq(queue_try_get_many(&q, out, 3), -ESHUTDOWN);
		cr_assert_eq(queue_get(&q, out), -ESHUTDOWN);
		cr_assert_eq(queue_task_done(&q, 2), 0);
		queue_release(&q);
	}
}

Test(shutdown, full_queue_says_shut_down_not_full)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		put(&q, 1);
		queue_shutdown(&q);
		cr_assert_eq(queue_try_put(&q, item(2)), -ESHUTDOWN);
		queue_release(&q);
	}
}

Test(shutdown, immediate_hands_back_what_is_queued_and_counts_it_done)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		unsigned dropped = 0;
		init(&q, 5, mode);
		for (uintptr_t i = 1; i <= 4; i++)
			put(&q, i);
		get(&q);
		queue_shutdown_now(&q, count_drop, &dropped);
		cr_assert_eq(dropped, 3);
		cr_assert(queue_empty(&q));
		cr_assert_eq(queue_unfinished(&q), 1, "the one that was got is still worked on");
		cr_assert_eq(try_get(&q), -ESHUTDOWN);
		cr_assert_eq(queue_task_done(&q, 1), 0);
		cr_assert_eq(queue_join_until(&q, 0), 0);
		queue_release(&q);
	}
}

Test(shutdown, immediate_without_drop_discards)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 2, mode);
		put(&q, 1);
		queue_shutdown_now(&q, NULL, NULL);
		cr_assert_eq(queue_unfinished(&q), 0);
		queue_release(&q);
	}
}

Test(shutdown, immediate_after_graceful_discards_the_rest)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		unsigned dropped = 0;
		init(&q, 2, mode);
		put(&q, 1);
		put(&q, 2);
		queue_shutdown(&q);
		cr_assert_eq(get(&q), 1);
		queue_shutdown_now(&q, count_drop, &dropped);
		cr_assert_eq(dropped, 1);
		queue_shutdown(&q);
		queue_release(&q);
	}
}

Test(shutdown, wakes_blocked_getters)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call c[3];
		unsigned getters = mode == QUEUE_MPMC ? 3 : 1;
		init(&q, 2, mode);
		for (unsigned i = 0; i < getters; i++)
			start(&c[i], call_get, &q, 0);
		await_armed(queue_getters(&q), getters);
		queue_shutdown(&q);
		for (unsigned i = 0; i < getters; i++)
			cr_assert_eq(finish(&c[i]), -ESHUTDOWN);
		queue_release(&q);
	}
}

Test(shutdown, wakes_blocked_putters_and_takes_nothing_from_them)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call c[3];
		unsigned putters = mode == QUEUE_MPMC ? 3 : 1;
		init(&q, 1, mode);
		put(&q, 1);
		for (unsigned i = 0; i < putters; i++)
			start(&c[i], call_put, &q, 2 + i);
		await_armed(queue_putters(&q), putters);
		queue_shutdown(&q);
		for (unsigned i = 0; i < putters; i++)
			cr_assert_eq(finish(&c[i]), -ESHUTDOWN);
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(try_get(&q), -ESHUTDOWN);
		queue_release(&q);
	}
}

Test(shutdown, graceful_leaves_joiners_to_wait_for_what_is_unfinished)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call c;
		init(&q, 1, mode);
		put(&q, 1);
		start(&c, call_join, &q, 0);
		await_armed(queue_joiners(&q), 1);
		queue_shutdown(&q);
		await_armed(queue_joiners(&q), 1);
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(queue_task_done(&q, 1), 0);
		cr_assert_eq(finish(&c), 0);
		queue_release(&q);
	}
}

Test(shutdown, immediate_wakes_everyone)
{
	struct queue q;
	struct call putter, joiner;
	unsigned dropped = 0;
	init(&q, 1, QUEUE_MPMC);
	put(&q, 1);
	start(&putter, call_put, &q, 2);
	start(&joiner, call_join, &q, 0);
	await_armed(queue_putters(&q), 1);
	await_armed(queue_joiners(&q), 1);
	queue_shutdown_now(&q, count_drop, &dropped);
	/* Room appears only after the end was declared, so the putter can't slip in. */
	cr_assert_eq(finish(&putter), -ESHUTDOWN);
	cr_assert_eq(finish(&joiner), 0);
	cr_assert_eq(dropped, 1);
	queue_release(&q);
}

Test(shutdown, works_at_the_wrap)
{
	static const uint64_t starts[] = {UINT32_MAX, (UINT64_MAX >> 1), UINT64_MAX};
	BOTH_MODES(mode)
	for (int s = 0; s < 3; s++) {
		struct queue q;
		cr_assert_eq(queue_init_at(&q, 2, mode, starts[s]), 0);
		put(&q, 1);
		put(&q, 2);
		queue_shutdown(&q);
		cr_assert_eq(queue_size(&q), 2);
		cr_assert_eq(queue_unfinished(&q), 2);
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(get(&q), 2);
		cr_assert_eq(try_get(&q), -ESHUTDOWN);
		queue_release(&q);
	}
}

/* ---- The race between a put and the end: what was put is got, by the one who got -ESHUTDOWN at the end ---- */

struct race {
	struct queue q;
	pthread_barrier_t start;
	uint64_t put; /* how many of the producer's puts returned 0 */
};

static void *race_producer_main(void *arg)
{
	struct race *race = arg;
	int r;
	pthread_barrier_wait(&race->start);
	while ((r = queue_try_put(&race->q, item(race->put + 1))) != -ESHUTDOWN)
		if (r == 0)
			race->put++;
		else
			sched_yield();
	return NULL;
}

static void *race_shutdown_main(void *arg)
{
	struct race *race = arg;
	pthread_barrier_wait(&race->start);
	for (int i = 0; i < 5; i++)
		sched_yield();
	queue_shutdown(&race->q);
	return NULL;
}

static void put_and_shutdown_race(enum queue_mode mode, bool membarrier)
{
	waiter_setup(membarrier);
	for (int round = 0; round < 150; round++) {
		struct race race = {.put = 0};
		pthread_t producer, closer;
		uint64_t got = 0;
		int r;
		init(&race.q, 3, mode);
		pthread_barrier_init(&race.start, NULL, 3);
		pthread_create(&producer, NULL, race_producer_main, &race);
		pthread_create(&closer, NULL, race_shutdown_main, &race);
		pthread_barrier_wait(&race.start);
		for (void *next; (r = queue_try_get(&race.q, &next)) != -ESHUTDOWN;)
			if (r == 0)
				cr_assert_eq((uintptr_t)next, ++got);
			else
				sched_yield();
		pthread_join(producer, NULL);
		pthread_join(closer, NULL);
		cr_assert_eq(got, race.put, "put %lu, got %lu", (unsigned long)race.put,
			     (unsigned long)got);
		pthread_barrier_destroy(&race.start);
		queue_release(&race.q);
	}
}

Test(shutdown, racing_put_is_got_or_refused)
{
	BOTH_MODES(mode)
	put_and_shutdown_race(mode, true);
}

Test(shutdown, racing_put_is_got_or_refused_without_membarrier)
{
	BOTH_MODES(mode)
	put_and_shutdown_race(mode, false);
}

/* ---- A put that was interrupted half-way: from the inside, as there is no making it happen from outside ---- */

static int call_shutdown(struct call *c)
{
	queue_shutdown(c->q);
	return 0;
}

Test(shutdown, waits_for_an_spsc_put_under_way)
{
	struct queue q;
	struct call closer;
	struct timespec soon;
	init(&q, 2, QUEUE_SPSC);
	cr_assert_eq(spsc_reserve(&q.spsc, 0), 2);
	start(&closer, call_shutdown, &q, 0);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_nsec -= 1000000000;
		soon.tv_sec++;
	}
	cr_assert_eq(pthread_timedjoin_np(closer.thread, NULL, &soon), ETIMEDOUT);
	cr_assert_eq(try_get(&q), -EAGAIN, "an item may still come");
	q.spsc.items[0] = item(7);
	atomic_store_explicit(&q.spsc.put, 1, memory_order_release);
	cr_assert_eq(finish(&closer), 0);
	cr_assert_eq(get(&q), 7);
	cr_assert_eq(try_get(&q), -ESHUTDOWN);
	queue_release(&q);
}

Test(shutdown, mpmc_end_comes_after_a_put_under_way)
{
	struct queue q;
	init(&q, 2, QUEUE_MPMC);
	atomic_fetch_add_explicit(&q.mpmc.put, MPMC_TICKET, memory_order_relaxed);
	queue_shutdown(&q);
	cr_assert_eq(try_get(&q), -EAGAIN, "an item may still come");
	q.mpmc.cells[0].item = item(7);
	atomic_store_explicit(&q.mpmc.cells[0].lap, MPMC_FULL, memory_order_release);
	cr_assert_eq(get(&q), 7);
	cr_assert_eq(try_get(&q), -ESHUTDOWN);
	queue_release(&q);
}

/* The getters woken by the shutdown find a put under way, and sleep on for it. It wakes but one of them; that one
 * takes the last item, and must tell the others that it was. */
static void last_get_ends_the_others_wait(bool membarrier)
{
	enum { GETTERS = 3 };
	struct queue q;
	struct call c[GETTERS];
	int got = 0;
	waiter_setup(membarrier);
	init(&q, 2, QUEUE_MPMC);
	for (int i = 0; i < GETTERS; i++)
		start(&c[i], call_get, &q, 0);
	await_armed(queue_getters(&q), GETTERS);
	atomic_fetch_add_explicit(&q.mpmc.put, MPMC_TICKET, memory_order_relaxed);
	queue_shutdown(&q);
	await_armed(queue_getters(&q), GETTERS);
	q.mpmc.cells[0].item = item(7);
	atomic_store_explicit(&q.mpmc.cells[0].lap, MPMC_FULL, memory_order_release);
	waitlist_wake_one(queue_getters(&q));
	for (int i = 0; i < GETTERS; i++) {
		int r = finish(&c[i]);
		cr_assert(r == 0 || r == -ESHUTDOWN);
		got += r == 0;
	}
	cr_assert_eq(got, 1);
	queue_release(&q);
}

Test(shutdown, last_get_ends_the_others_wait)
{
	last_get_ends_the_others_wait(true);
}

Test(shutdown, last_get_ends_the_others_wait_without_membarrier)
{
	last_get_ends_the_others_wait(false);
}
