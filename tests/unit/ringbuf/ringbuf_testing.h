/* ringbuf_testing.h - for tests of ringbuf/: calls that block, on threads of their own, and waiting for states
 * instead of for time. Everything that waits gives up, and fails the test, after PATIENCE_S. */
#pragma once

#include "ringbuf/queue.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

enum { PATIENCE_S = 20 };

#define BOTH_MODES(mode) for (enum queue_mode mode = QUEUE_SPSC; mode <= QUEUE_MPMC; mode++)

static inline uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t in_ms(uint64_t ms)
{
	return now_ns() + ms * 1000000;
}

static inline void *item(uintptr_t n)
{
	return (void *)n;
}

/* Until n are armed on l, which is: asleep or about to look one last time. */
static inline void await_armed(const struct waitlist *l, uint32_t n)
{
	uint64_t give_up = in_ms(PATIENCE_S * 1000);
	while (waitlist_armed(l) != n) {
		cr_assert_lt(now_ns(), give_up, "%u armed, wanted %u", waitlist_armed(l), n);
		sched_yield();
	}
}

/* One blocking call on a thread of its own. */
struct call {
	int (*function)(struct call *c);
	struct queue *q;
	void *item; /* to put, or got */
	uint64_t deadline_ns;
	int r;
	pthread_t thread;
};

static inline int call_put(struct call *c)
{
	return queue_put_until(c->q, c->item, c->deadline_ns);
}

static inline int call_get(struct call *c)
{
	return queue_get_until(c->q, &c->item, c->deadline_ns);
}

static inline int call_join(struct call *c)
{
	return queue_join_until(c->q, c->deadline_ns);
}

static inline int call_get_and_finish(struct call *c)
{
	int r = call_get(c);
	return r < 0 ? r : queue_task_done(c->q, 1);
}

/* Adds up what it gets until the end. */
static inline int call_add_up(struct call *c)
{
	uintptr_t sum = 0;
	int r;
	for (void *got; (r = queue_get(c->q, &got)) == 0;) {
		sum += (uintptr_t)got;
		queue_task_done(c->q, 1);
	}
	c->item = item(sum);
	return r;
}

static inline void *call_main(void *arg)
{
	struct call *c = arg;
	c->r = c->function(c);
	return NULL;
}

static inline void start_until(struct call *c, int (*function)(struct call *c), struct queue *q,
			       uintptr_t n, uint64_t deadline_ns)
{
	*c = (struct call){
	    .function = function, .q = q, .item = item(n), .deadline_ns = deadline_ns};
	cr_assert_eq(pthread_create(&c->thread, NULL, call_main, c), 0);
}

static inline void start(struct call *c, int (*function)(struct call *c), struct queue *q,
			 uintptr_t n)
{
	start_until(c, function, q, n, UINT64_MAX);
}

/* What the call returned. */
static inline int finish(struct call *c)
{
	struct timespec give_up;
	clock_gettime(CLOCK_REALTIME, &give_up);
	give_up.tv_sec += PATIENCE_S;
	cr_assert_eq(pthread_timedjoin_np(c->thread, NULL, &give_up), 0, "a call hangs");
	return c->r;
}

static inline void init(struct queue *q, size_t capacity, enum queue_mode mode)
{
	cr_assert_eq(queue_init(q, capacity, mode), 0);
}

static inline void put(struct queue *q, uintptr_t n)
{
	cr_assert_eq(queue_try_put(q, item(n)), 0, "putting %lu", (unsigned long)n);
}

/* 0 stands for "could not". */
static inline uintptr_t get(struct queue *q)
{
	void *got = NULL;
	return queue_try_get(q, &got) == 0 ? (uintptr_t)got : 0;
}

static inline int try_get(struct queue *q)
{
	void *got;
	return queue_try_get(q, &got);
}

/* Counts what a shutdown discards. */
static inline void count_drop(void *dropped, void *ctx)
{
	(void)dropped;
	++*(unsigned *)ctx;
}
