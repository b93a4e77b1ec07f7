/* The tests of CPython 3.13 for the shutdown of its queues, asyncio's QueueShutdownTests and threading's QueueTest; what
 * corresponds to what is said in test_conformance.c. */
#include "tests/unit/ringbuf/ringbuf_testing.h"

static void set_up(void)
{
	waiter_setup(true);
}

TestSuite(conformance_shutdown, .init = set_up, .timeout = 120);

/* Every put and get there is says that it is over. */
static void assert_over(struct queue *q)
{
	void *got;
	cr_assert_eq(queue_put(q, item(1)), -ESHUTDOWN);
	cr_assert_eq(queue_try_put(q, item(1)), -ESHUTDOWN);
	cr_assert_eq(queue_get(q, &got), -ESHUTDOWN);
	cr_assert_eq(queue_get_until(q, &got, in_ms(1000)), -ESHUTDOWN);
	cr_assert_eq(try_get(q), -ESHUTDOWN);
}

/* QueueShutdownTests.test_shutdown_empty; QueueTest.test_shutdown_empty; QueueTest.test_shutdown_pending_get */
Test(conformance_shutdown, asyncio_shutdown_empty)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call getter;
		init(&q, 1, mode);
		start(&getter, call_get, &q, 0);
		await_armed(queue_getters(&q), 1);
		queue_shutdown(&q);
		cr_assert_eq(queue_size(&q), 0);
		cr_assert_eq(queue_join(&q), 0);
		cr_assert_eq(finish(&getter), -ESHUTDOWN);
		assert_over(&q);
		queue_release(&q);
	}
}

/* QueueShutdownTests.test_shutdown_nonempty; QueueTest.test_shutdown_nonempty */
Test(conformance_shutdown, asyncio_shutdown_nonempty)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call joiner, putter;
		void *got = NULL;
		init(&q, 1, mode);
		put(&q, 1);
		start(&joiner, call_join, &q, 0);
		start(&putter, call_put, &q, 2);
		await_armed(queue_joiners(&q), 1);
		await_armed(queue_putters(&q), 1);
		queue_shutdown(&q); /* unfinished: 1 -> 1 */
		cr_assert_eq(queue_size(&q), 1);
		cr_assert_eq(finish(&putter), -ESHUTDOWN);
		cr_assert_eq(queue_get(&q, &got), 0);
		cr_assert_eq(got, item(1));
		await_armed(queue_joiners(&q), 1);
		assert_over(&q);
		cr_assert_eq(queue_task_done(&q, 1), 0);
		cr_assert_eq(finish(&joiner), 0);
		cr_assert_eq(queue_task_done(&q, 1), -EINVAL);
		queue_release(&q);
	}
}

/* QueueShutdownTests.test_shutdown_immediate; QueueTest.test_shutdown_immediate */
Test(conformance_shutdown, asyncio_shutdown_immediate)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call joiner;
		unsigned dropped = 0;
		init(&q, 1, mode);
		put(&q, 1);
		start(&joiner, call_join, &q, 0);
		await_armed(queue_joiners(&q), 1);
		queue_shutdown_now(&q, count_drop, &dropped); /* unfinished: 1 -> 0 */
		cr_assert_eq(dropped, 1);
		cr_assert_eq(queue_size(&q), 0);
		cr_assert_eq(finish(&joiner), 0);
		assert_over(&q);
		cr_assert_eq(queue_task_done(&q, 1), -EINVAL);
		queue_release(&q);
	}
}

/* QueueShutdownTests.test_shutdown_immediate_with_unfinished */
Test(conformance_shutdown, asyncio_shutdown_immediate_with_unfinished)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call joiner;
		init(&q, 2, mode);
		put(&q, 1);
		put(&q, 2);
		start(&joiner, call_join, &q, 0);
		await_armed(queue_joiners(&q), 1);
		cr_assert_eq(get(&q), 1);
		queue_shutdown_now(&q, NULL, NULL); /* unfinished: 2 -> 1 */
		cr_assert_eq(queue_size(&q), 0);
		await_armed(queue_joiners(&q), 1);
		assert_over(&q);
		cr_assert_eq(queue_task_done(&q, 1), 0);
		cr_assert_eq(queue_task_done(&q, 1), -EINVAL);
		cr_assert_eq(finish(&joiner), 0);
		queue_release(&q);
	}
}

/* QueueTest.test_shutdown_allowed_transitions */
Test(conformance_shutdown, threading_shutdown_allowed_transitions)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		cr_assert_not(queue_is_shutdown(&q));
		queue_shutdown(&q);
		cr_assert(queue_is_shutdown(&q));
		queue_shutdown_now(&q, NULL, NULL);
		cr_assert(queue_is_shutdown(&q));
		queue_shutdown(&q);
		cr_assert(queue_is_shutdown(&q));
		queue_release(&q);
	}
}

/* QueueTest.test_shutdown_all_methods_in_one_thread */
Test(conformance_shutdown, threading_shutdown_all_methods_in_one_thread)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 2, mode);
		put(&q, 1);
		put(&q, 2);
		queue_shutdown(&q);
		cr_assert_eq(queue_put(&q, item(3)), -ESHUTDOWN);
		for (uintptr_t i = 1; i <= 2; i++) {
			cr_assert_eq(get(&q), i);
			cr_assert_eq(queue_task_done(&q, 1), 0);
		}
		cr_assert_eq(queue_join(&q), 0);
		assert_over(&q);
		queue_release(&q);
	}
}

/* QueueTest.test_shutdown_immediate_all_methods_in_one_thread */
Test(conformance_shutdown, threading_shutdown_immediate_all_methods_in_one_thread)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 2, mode);
		put(&q, 1);
		put(&q, 2);
		queue_shutdown_now(&q, NULL, NULL);
		assert_over(&q);
		cr_assert_eq(queue_task_done(&q, 1), -EINVAL);
		cr_assert_eq(queue_join(&q), 0);
		queue_release(&q);
	}
}

/* Puts until the end: how many, in item. */
static int call_put_on(struct call *c)
{
	uintptr_t n = 0;
	while (queue_put(c->q, item(1)) == 0)
		n++;
	c->item = item(n);
	return 0;
}

/* Writers, readers and one who joins, all at work when the end comes. */
static void all_methods_in_many_threads(bool immediate)
{
	enum { WRITERS = 4, READERS = 6, ITEMS_MIN = 5000 };
	struct queue q;
	struct call writers[WRITERS], readers[READERS], joiner;
	uintptr_t was_put = 0, was_got = 0;
	unsigned dropped = 0;
	init(&q, 64, QUEUE_MPMC);
	for (int i = 0; i < READERS; i++)
		start(&readers[i], call_add_up, &q, 0);
	for (int i = 0; i < WRITERS; i++)
		start(&writers[i], call_put_on, &q, 0);
	start(&joiner, call_join, &q, 0);
	for (uint64_t give_up = in_ms(PATIENCE_S * 1000);
	     atomic_load_explicit(&q.done, memory_order_relaxed) < 2 * ITEMS_MIN;) {
		cr_assert_lt(now_ns(), give_up);
		sched_yield();
	}
	if (immediate)
		queue_shutdown_now(&q, count_drop, &dropped);
	else
		queue_shutdown(&q);
	for (int i = 0; i < WRITERS; i++) {
		finish(&writers[i]);
		was_put += (uintptr_t)writers[i].item;
	}
	for (int i = 0; i < READERS; i++) {
		cr_assert_eq(finish(&readers[i]), -ESHUTDOWN);
		was_got += (uintptr_t)readers[i].item;
	}
	cr_assert_eq(finish(&joiner), 0);
	cr_assert_eq(was_put, was_got + dropped);
	cr_assert(queue_empty(&q));
	queue_release(&q);
}

/* QueueTest.test_shutdown_all_methods_in_many_threads */
Test(conformance_shutdown, threading_shutdown_all_methods_in_many_threads)
{
	all_methods_in_many_threads(false);
}

/* QueueTest.test_shutdown_immediate_all_methods_in_many_threads */
Test(conformance_shutdown, threading_shutdown_immediate_all_methods_in_many_threads)
{
	all_methods_in_many_threads(true);
}

Test(conformance_shutdown, threading_shutdown_get) /* QueueTest.test_shutdown_get */
{
	struct queue q;
	struct call c[3];
	int over = 0;
	init(&q, 2, QUEUE_MPMC);
	put(&q, 1);
	put(&q, 2);
	queue_shutdown(&q);
	for (int i = 0; i < 3; i++)
		start(&c[i], call_get, &q, 0);
	for (int i = 0; i < 3; i++)
		over += finish(&c[i]) == -ESHUTDOWN;
	cr_assert_eq(over, 1, "two items for three getters");
	queue_release(&q);
}

Test(conformance_shutdown,
     threading_shutdown_immediate_get) /* QueueTest.test_shutdown_immediate_get */
{
	struct queue q;
	struct call c[2];
	init(&q, 2, QUEUE_MPMC);
	put(&q, 1);
	put(&q, 2);
	queue_shutdown_now(&q, NULL, NULL);
	for (int i = 0; i < 2; i++)
		start(&c[i], call_get, &q, 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(finish(&c[i]), -ESHUTDOWN);
	queue_release(&q);
}

static void blocked_puts_fail(bool immediate)
{
	struct queue q;
	struct call c[2];
	init(&q, 2, QUEUE_MPMC);
	put(&q, 1);
	put(&q, 2);
	for (int i = 0; i < 2; i++)
		start(&c[i], call_put, &q, 3);
	await_armed(queue_putters(&q), 2);
	if (immediate)
		queue_shutdown_now(&q, NULL, NULL);
	else
		queue_shutdown(&q);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(finish(&c[i]), -ESHUTDOWN);
	queue_release(&q);
}

Test(conformance_shutdown, threading_shutdown_put) /* QueueTest.test_shutdown_put */
{
	blocked_puts_fail(false);
}

Test(conformance_shutdown,
     threading_shutdown_immediate_put) /* QueueTest.test_shutdown_immediate_put */
{
	blocked_puts_fail(true);
}

Test(conformance_shutdown, threading_shutdown_join) /* QueueTest.test_shutdown_join */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call joiners[2], worker;
		init(&q, 1, mode);
		put(&q, 1);
		for (int i = 0; i < 2; i++)
			start(&joiners[i], call_join, &q, 0);
		await_armed(queue_joiners(&q), 2);
		queue_shutdown(&q);
		start(&worker, call_get_and_finish, &q, 0);
		cr_assert_eq(finish(&worker), 0);
		for (int i = 0; i < 2; i++)
			cr_assert_eq(finish(&joiners[i]), 0);
		queue_release(&q);
	}
}

Test(conformance_shutdown,
     threading_shutdown_immediate_join) /* QueueTest.test_shutdown_immediate_join */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call joiners[2];
		init(&q, 1, mode);
		put(&q, 1);
		for (int i = 0; i < 2; i++)
			start(&joiners[i], call_join, &q, 0);
		await_armed(queue_joiners(&q), 2);
		queue_shutdown_now(&q, NULL, NULL);
		for (int i = 0; i < 2; i++)
			cr_assert_eq(finish(&joiners[i]), 0);
		queue_release(&q);
	}
}

/* A put that comes after the end, and one who joins across it. */
static void put_and_join(bool immediate)
{
	struct queue q;
	struct call putter, joiner;
	init(&q, 2, QUEUE_MPMC);
	put(&q, 1);
	start(&joiner, call_join, &q, 0);
	await_armed(queue_joiners(&q), 1);
	cr_assert_eq(queue_unfinished(&q), 1);
	if (immediate)
		queue_shutdown_now(&q, NULL, NULL);
	else
		queue_shutdown(&q);
	start(&putter, call_put, &q, 2);
	if (immediate) {
		cr_assert_eq(try_get(&q), -ESHUTDOWN);
	} else {
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(queue_task_done(&q, 1), 0);
	}
	cr_assert_eq(finish(&putter), -ESHUTDOWN);
	cr_assert_eq(finish(&joiner), 0);
	queue_release(&q);
}

Test(conformance_shutdown, threading_shutdown_put_join) /* QueueTest.test_shutdown_put_join */
{
	put_and_join(false);
}

Test(conformance_shutdown,
     threading_shutdown_immediate_put_join) /* QueueTest.test_shutdown_immediate_put_join */
{
	put_and_join(true);
}

/* QueueTest.test_shutdown_get_task_done_join */
Test(conformance_shutdown, threading_shutdown_get_task_done_join)
{
	struct queue q;
	struct call workers[2], joiners[2];
	init(&q, 2, QUEUE_MPMC);
	put(&q, 1);
	put(&q, 2);
	cr_assert_eq(queue_unfinished(&q), queue_size(&q));
	for (int i = 0; i < 2; i++)
		start(&joiners[i], call_join, &q, 0);
	for (int i = 0; i < 2; i++)
		start(&workers[i], call_get_and_finish, &q, 0);
	queue_shutdown(&q);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(finish(&workers[i]), 0);
		cr_assert_eq(finish(&joiners[i]), 0);
	}
	queue_release(&q);
}
