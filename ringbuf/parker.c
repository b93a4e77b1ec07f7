/* parker.c - sleeping on a futex. */
#include "ringbuf/parker.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { AWAKE, ASLEEP, WOKEN };

static void parker_wake(struct waiter *w)
{
	struct parker *p = (struct parker *)w;
	/* release: pairs with the acquire loads in parker_wait() */
	if (atomic_exchange_explicit(&p->state, WOKEN, memory_order_release) == ASLEEP)
		syscall(SYS_futex, &p->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void parker_init(struct parker *p)
{
	p->waiter.wake = parker_wake;
	atomic_init(&p->state, AWAKE);
}

/* Sleeps while state is ASLEEP: 0 for any reason to look again, or -ETIMEDOUT. */
static int futex_sleep(struct parker *p, uint64_t deadline_ns)
{
	struct timespec until = {
	    .tv_sec = (time_t)(deadline_ns / 1000000000),
	    .tv_nsec = (long)(deadline_ns % 1000000000),
	};
	/* FUTEX_WAIT_BITSET, as it takes its deadline in absolute CLOCK_MONOTONIC */
	long r =
	    syscall(SYS_futex, &p->state, FUTEX_WAIT_BITSET_PRIVATE, ASLEEP,
		    deadline_ns == PARKER_FOREVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
	assert(r == 0 || errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT);
	return r < 0 && errno == ETIMEDOUT ? -ETIMEDOUT : 0;
}

int parker_wait(struct parker *p, uint64_t deadline_ns)
{
	uint32_t state = AWAKE;
	/* acquire: pairs with the exchange in parker_wake() */
	bool asleep = atomic_compare_exchange_strong_explicit(
	    &p->state, &state, ASLEEP, memory_order_acquire, memory_order_acquire);
	assert(asleep || state == WOKEN);

	int r = 0;
	while (r == 0 &&
	       atomic_load_explicit(&p->state, memory_order_acquire) == ASLEEP) /* parker_wake() */
		r = futex_sleep(p, deadline_ns);

	/* A wake that comes with the timeout is known from the wait node: see waitlist_disarm(). */
	atomic_store_explicit(&p->state, AWAKE, memory_order_relaxed);
	return r;
}
