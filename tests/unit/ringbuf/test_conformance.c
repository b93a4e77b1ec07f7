/* The tests of CPython 3.13 for its queues that make sense between threads, each under CPython's name for it; those of
 * shutdown are in test_conformance_shutdown.c.
 * asyncio_*: Lib/test/test_asyncio/test_queues.py; threading_*: Lib/test/test_queue.py.
 *
 * What corresponds: a task is a thread; cancelling a task is a deadline that passes; QueueEmpty and QueueFull
 * are -EAGAIN (with a timeout -ETIMEDOUT), ShutDown is -ESHUTDOWN, ValueError is -EINVAL. With one producer and
 * one consumer only where that is all a test needs; else QUEUE_MPMC.
 *
 * Not here, as there is nothing like it: repr, str, format, generic aliases, references, reentrancy, float and
 * changing sizes, negative timeouts, unbounded queues, LIFO and priority queues, subclasses that fail. */
#include "tests/unit/ringbuf/ringbuf_testing.h"

static void set_up(void)
{
	waiter_setup(true);
}

TestSuite(conformance, .init = set_up, .timeout = 120);

/* ---- asyncio: QueueBasicTests ---- */

Test(conformance, asyncio_empty) /* QueueBasicTests.test_empty */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 4, mode);
		cr_assert(queue_empty(&q));
		put(&q, 1);
		cr_assert_not(queue_empty(&q));
		cr_assert_eq(get(&q), 1);
		cr_assert(queue_empty(&q));
		queue_release(&q);
	}
}

Test(conformance, asyncio_full) /* QueueBasicTests.test_full */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		cr_assert_not(queue_full(&q));
		put(&q, 1);
		cr_assert(queue_full(&q));
		queue_release(&q);
	}
}

Test(conformance, asyncio_order) /* QueueBasicTests.test_order */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 4, mode);
		put(&q, 1);
		put(&q, 3);
		put(&q, 2);
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(get(&q), 3);
		cr_assert_eq(get(&q), 2);
		queue_release(&q);
	}
}

/* Puts 1 to 3; how far it came is the queue's unfinished count. */
static int call_put_three(struct call *c)
{
	for (uintptr_t i = 1; i <= 3; i++)
		if (queue_put(c->q, item(i)) < 0)
			return -1;
	return 0;
}

Test(conformance, asyncio_maxsize) /* QueueBasicTests.test_maxsize */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call putter;
		init(&q, 2, mode);
		cr_assert_eq(queue_capacity(&q), 2);
		start(&putter, call_put_three, &q, 0);
		await_armed(queue_putters(&q), 1);
		cr_assert_eq(queue_unfinished(&q), 2, "the putter is blocked after two");
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(finish(&putter), 0);
		cr_assert_eq(queue_unfinished(&q), 3);
		cr_assert_eq(get(&q), 2);
		cr_assert_eq(get(&q), 3);
		queue_release(&q);
	}
}

/* ---- asyncio: QueueGetTests ---- */

Test(conformance, asyncio_blocking_get) /* QueueGetTests.test_blocking_get */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		void *got = NULL;
		init(&q, 1, mode);
		put(&q, 1);
		cr_assert_eq(queue_get(&q, &got), 0);
		cr_assert_eq(got, item(1));
		queue_release(&q);
	}
}

Test(conformance, asyncio_get_with_putters) /* QueueGetTests.test_get_with_putters */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call putter;
		void *got = NULL;
		init(&q, 1, mode);
		put(&q, 1);
		start(&putter, call_put, &q, 2);
		await_armed(queue_putters(&q), 1);
		cr_assert_eq(queue_get(&q, &got), 0);
		cr_assert_eq(got, item(1));
		cr_assert_eq(finish(&putter), 0);
		queue_release(&q);
	}
}

Test(conformance, asyncio_blocking_get_wait) /* QueueGetTests.test_blocking_get_wait */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call getter;
		init(&q, 1, mode);
		start(&getter, call_get, &q, 0);
		await_armed(queue_getters(&q), 1);
		put(&q, 1);
		cr_assert_eq(finish(&getter), 0);
		cr_assert_eq(getter.item, item(1));
		queue_release(&q);
	}
}

Test(conformance, asyncio_nonblocking_get) /* QueueGetTests.test_nonblocking_get */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		put(&q, 1);
		cr_assert_eq(get(&q), 1);
		queue_release(&q);
	}
}

Test(conformance,
     asyncio_nonblocking_get_exception) /* QueueGetTests.test_nonblocking_get_exception */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		cr_assert_eq(try_get(&q), -EAGAIN);
		queue_release(&q);
	}
}

Test(conformance, asyncio_get_cancelled_race) /* QueueGetTests.test_get_cancelled_race */
{
	struct queue q;
	struct call first, second;
	init(&q, 1, QUEUE_MPMC);
	start_until(&first, call_get, &q, 0, in_ms(30));
	start(&second, call_get, &q, 0);
	cr_assert_eq(finish(&first), -ETIMEDOUT);
	put(&q, 1);
	cr_assert_eq(finish(&second), 0);
	cr_assert_eq(second.item, item(1));
	queue_release(&q);
}

Test(conformance,
     asyncio_get_with_waiting_putters) /* QueueGetTests.test_get_with_waiting_putters */
{
	struct queue q;
	struct call a, b;
	void *got = NULL;
	init(&q, 1, QUEUE_MPMC);
	start(&a, call_put, &q, 1);
	cr_assert_eq(finish(&a), 0);
	start(&b, call_put, &q, 2);
	await_armed(queue_putters(&q), 1);
	cr_assert_eq(queue_get(&q, &got), 0);
	cr_assert_eq(got, item(1));
	cr_assert_eq(queue_get(&q, &got), 0);
	cr_assert_eq(got, item(2));
	cr_assert_eq(finish(&b), 0);
	queue_release(&q);
}

/* Many blocked getters and putters on a small queue: all get through. */
static void all_get_through(size_t capacity, int waiting, int (*blocked)(struct call *c),
			    struct waitlist *(*list)(struct queue *q), int (*other)(struct call *c))
{
	enum { CALLS = 5 };
	struct queue q;
	struct call first[CALLS], second[CALLS];
	init(&q, capacity, QUEUE_MPMC);
	for (int i = 0; i < CALLS; i++)
		start(&first[i], blocked, &q, 1);
	await_armed(list(&q), (uint32_t)waiting);
	for (int i = 0; i < CALLS; i++)
		start(&second[i], other, &q, 1);
	for (int i = 0; i < CALLS; i++) {
		cr_assert_eq(finish(&first[i]), 0);
		cr_assert_eq(finish(&second[i]), 0);
	}
	cr_assert(queue_empty(&q));
	queue_release(&q);
}

Test(conformance, asyncio_why_are_getters_waiting) /* QueueGetTests.test_why_are_getters_waiting */
{
	all_get_through(2, 5, call_get, queue_getters, call_put);
}

/* QueueGetTests.test_cancelled_getters_not_being_held_in_self_getters */
Test(conformance, asyncio_cancelled_getters_not_being_held_in_self_getters)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		void *got;
		init(&q, 1, mode);
		cr_assert_eq(queue_get_until(&q, &got, in_ms(1)), -ETIMEDOUT);
		cr_assert_eq(waitlist_armed(queue_getters(&q)), 0);
		queue_release(&q);
	}
}

/* ---- asyncio: QueuePutTests ---- */

Test(conformance, asyncio_blocking_put) /* QueuePutTests.test_blocking_put */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		cr_assert_eq(queue_put(&q, item(1)), 0);
		queue_release(&q);
	}
}

Test(conformance, asyncio_blocking_put_wait) /* QueuePutTests.test_blocking_put_wait */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call putter;
		init(&q, 1, mode);
		put(&q, 1);
		start(&putter, call_put, &q, 2);
		await_armed(queue_putters(&q), 1);
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(finish(&putter), 0);
		cr_assert_eq(get(&q), 2);
		queue_release(&q);
	}
}

Test(conformance, asyncio_nonblocking_put) /* QueuePutTests.test_nonblocking_put */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		put(&q, 1);
		cr_assert_eq(get(&q), 1);
		queue_release(&q);
	}
}

/* Readers that were cancelled: the item goes to the one who still waits. */
static void cancelled_readers_are_passed_over(int cancelled)
{
	struct queue q;
	struct call gone[3], stays;
	init(&q, 1, QUEUE_MPMC);
	uint64_t deadline = in_ms(30);
	for (int i = 0; i < cancelled; i++)
		start_until(&gone[i], call_get, &q, 0, deadline);
	start(&stays, call_get, &q, 0);
	for (int i = 0; i < cancelled; i++)
		cr_assert_eq(finish(&gone[i]), -ETIMEDOUT);
	put(&q, 7);
	cr_assert_eq(finish(&stays), 0);
	cr_assert_eq(stays.item, item(7));
	queue_release(&q);
}

/* QueuePutTests.test_get_cancel_drop_one_pending_reader */
Test(conformance, asyncio_get_cancel_drop_one_pending_reader)
{
	cancelled_readers_are_passed_over(1);
}

/* QueuePutTests.test_get_cancel_drop_many_pending_readers */
Test(conformance, asyncio_get_cancel_drop_many_pending_readers)
{
	cancelled_readers_are_passed_over(3);
}

Test(conformance, asyncio_put_cancel_drop) /* QueuePutTests.test_put_cancel_drop */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		put(&q, 1);
		cr_assert_eq(queue_put_until(&q, item(2), in_ms(1)), -ETIMEDOUT);
		cr_assert_eq(get(&q), 1);
		cr_assert_eq(queue_put(&q, item(3)), 0);
		cr_assert_eq(get(&q), 3);
		queue_release(&q);
	}
}

Test(conformance,
     asyncio_nonblocking_put_exception) /* QueuePutTests.test_nonblocking_put_exception */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		put(&q, 1);
		cr_assert_eq(queue_try_put(&q, item(2)), -EAGAIN);
		queue_release(&q);
	}
}

Test(conformance, asyncio_put_cancelled) /* QueuePutTests.test_put_cancelled: too late to cancel */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call putter;
		void *got = NULL;
		init(&q, 1, mode);
		start_until(&putter, call_put, &q, 1, in_ms(PATIENCE_S * 1000));
		cr_assert_eq(queue_get(&q, &got), 0);
		cr_assert_eq(got, item(1));
		cr_assert_eq(finish(&putter), 0);
		queue_release(&q);
	}
}

Test(conformance, asyncio_put_cancelled_race) /* QueuePutTests.test_put_cancelled_race */
{
	struct queue q;
	struct call b, c;
	void *got = NULL;
	init(&q, 1, QUEUE_MPMC);
	put(&q, 1);
	start(&b, call_put, &q, 2);
	await_armed(queue_putters(&q), 1);
	start_until(&c, call_put, &q, 99, in_ms(30));
	cr_assert_eq(finish(&c), -ETIMEDOUT);
	cr_assert_eq(get(&q), 1);
	cr_assert_eq(queue_get(&q, &got), 0);
	cr_assert_eq(got, item(2));
	cr_assert_eq(finish(&b), 0);
	queue_release(&q);
}

Test(conformance,
     asyncio_put_with_waiting_getters) /* QueuePutTests.test_put_with_waiting_getters */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call getter;
		init(&q, 1, mode);
		start(&getter, call_get, &q, 0);
		await_armed(queue_getters(&q), 1);
		cr_assert_eq(queue_put(&q, item(1)), 0);
		cr_assert_eq(finish(&getter), 0);
		cr_assert_eq(getter.item, item(1));
		queue_release(&q);
	}
}

Test(conformance, asyncio_why_are_putters_waiting) /* QueuePutTests.test_why_are_putters_waiting */
{
	all_get_through(2, 3, call_put, queue_putters, call_get);
}

/* QueuePutTests.test_cancelled_puts_not_being_held_in_self_putters */
Test(conformance, asyncio_cancelled_puts_not_being_held_in_self_putters)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		put(&q, 1);
		cr_assert_eq(queue_put_until(&q, item(2), in_ms(1)), -ETIMEDOUT);
		cr_assert_eq(waitlist_armed(queue_putters(&q)), 0);
		queue_release(&q);
	}
}

/* ---- asyncio: QueueJoinTests; threading: task_done and join ---- */

/* QueueJoinTests.test_task_done_underflow; QueueTest.test_queue_task_done */
Test(conformance, asyncio_task_done_underflow)
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		cr_assert_eq(queue_task_done(&q, 1), -EINVAL);
		queue_release(&q);
	}
}

Test(conformance, asyncio_task_done) /* QueueJoinTests.test_task_done */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		struct call workers[2];
		int count = mode == QUEUE_MPMC ? 2 : 1;
		uintptr_t sum = 0;
		init(&q, 100, mode);
		for (uintptr_t i = 0; i < 100; i++)
			put(&q, i);
		for (int i = 0; i < count; i++)
			start(&workers[i], call_add_up, &q, 0);
		cr_assert_eq(queue_join(&q), 0);
		cr_assert_eq(queue_unfinished(&q), 0);
		queue_shutdown(&q);
		for (int i = 0; i < count; i++) {
			cr_assert_eq(finish(&workers[i]), -ESHUTDOWN);
			sum += (uintptr_t)workers[i].item;
		}
		cr_assert_eq(sum, 99 * 100 / 2);
		queue_release(&q);
	}
}

Test(conformance, asyncio_join_empty_queue) /* QueueJoinTests.test_join_empty_queue */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 1, mode);
		cr_assert_eq(queue_join(&q), 0);
		cr_assert_eq(queue_join(&q), 0);
		queue_release(&q);
	}
}

Test(conformance, threading_queue_join) /* QueueTest.test_queue_join */
{
	struct queue q;
	struct call workers[2];
	uintptr_t sum = 0;
	init(&q, 5, QUEUE_MPMC);
	for (int i = 0; i < 2; i++)
		start(&workers[i], call_add_up, &q, 0);
	for (int twice = 0; twice < 2; twice++) {
		for (uintptr_t i = 0; i < 100; i++)
			cr_assert_eq(queue_put(&q, item(i)), 0);
		cr_assert_eq(queue_join(&q), 0);
		cr_assert_eq(queue_join(&q), 0, "it can be joined twice");
		cr_assert_eq(queue_task_done(&q, 1), -EINVAL);
	}
	queue_shutdown(&q);
	for (int i = 0; i < 2; i++) {
		finish(&workers[i]);
		sum += (uintptr_t)workers[i].item;
	}
	cr_assert_eq(sum, 2 * 99 * 100 / 2);
	queue_release(&q);
}

/* ---- threading: QueueTest ---- */

static void basic(struct queue *q, size_t size)
{
	struct call c;
	void *got = NULL;
	cr_assert(queue_empty(q));
	put(q, 111);
	put(q, 333);
	put(q, 222);
	cr_assert_eq(get(q), 111);
	cr_assert_eq(get(q), 333);
	cr_assert_eq(get(q), 222);
	for (uintptr_t i = 0; i < size - 1; i++) {
		put(q, i);
		cr_assert_gt(queue_size(q), 0);
	}
	cr_assert_not(queue_full(q));
	put(q, 1);
	cr_assert(queue_full(q));
	cr_assert_eq(queue_try_put(q, item(2)), -EAGAIN);
	cr_assert_eq(queue_put_until(q, item(2), in_ms(10)), -ETIMEDOUT);
	for (int i = 0; i < 2; i++) { /* a blocking put, without a deadline and with one */
		start_until(&c, call_put, q, 2, i == 0 ? UINT64_MAX : in_ms(PATIENCE_S * 1000));
		await_armed(queue_putters(q), 1);
		cr_assert_eq(queue_get(q, &got), 0);
		cr_assert_eq(finish(&c), 0);
	}
	for (size_t i = 0; i < size; i++)
		cr_assert_eq(queue_get(q, &got), 0);
	cr_assert(queue_empty(q));
	cr_assert_eq(try_get(q), -EAGAIN);
	cr_assert_eq(queue_get_until(q, &got, in_ms(10)), -ETIMEDOUT);
	for (int i = 0; i < 2; i++) { /* a blocking get */
		start_until(&c, call_get, q, 0, i == 0 ? UINT64_MAX : in_ms(PATIENCE_S * 1000));
		await_armed(queue_getters(q), 1);
		put(q, 9);
		cr_assert_eq(finish(&c), 0);
	}
}

Test(conformance, threading_basic) /* QueueTest.test_basic */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 5, mode);
		basic(&q, 5);
		basic(&q, 5);
		queue_release(&q);
	}
}

Test(conformance, threading_nowait) /* QueueTest.test_nowait */
{
	BOTH_MODES(mode)
	{
		struct queue q;
		init(&q, 5, mode);
		for (uintptr_t i = 1; i <= 5; i++)
			put(&q, i);
		cr_assert_eq(queue_try_put(&q, item(6)), -EAGAIN);
		for (uintptr_t i = 1; i <= 5; i++)
			cr_assert_eq(get(&q), i);
		cr_assert_eq(try_get(&q), -EAGAIN);
		queue_release(&q);
	}
}
