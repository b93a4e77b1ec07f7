/* sleeper.h - one thread that serves several parties and sleeps by means of its own (io_uring, poll, ...).
 *
 *            sleeper_may_sleep()                     sleeper_wake(), by anyone
 *   AWAKE ----------------------> ASLEEP            AWAKE  -> NOTIFIED   nothing else to do
 *     ^                             |               ASLEEP -> NOTIFIED   and rouse() is called, once
 *     |      sleeper_awake()        |               NOTIFIED stays
 *     +-----------------------------+
 *
 * A wake that comes before the thread sleeps makes sleeper_may_sleep() false, so it is never lost, and only a wake that
 * finds the thread asleep costs a system call. (parker.h is the ready-made one on a futex.)
 *
 * Threads: sleeper_wake any, the rest the owner's. Memory: the caller's. Layer: libc only. */
#pragma once

#include "ringbuf/waiter.h"

enum sleeper_state { SLEEPER_AWAKE, SLEEPER_ASLEEP, SLEEPER_NOTIFIED };

struct sleeper {
	struct waiter
	    waiter; /* for arming on waitlists: its wake is sleeper_wake(); must stand first */
	_Atomic int state;
	void (*rouse)(
	    struct sleeper
		*s); /* on the waker's thread: ends the owner's sleep; quick, never blocks */
};

static inline void sleeper_wake(struct sleeper *s)
{
	/* acq_rel: pairs with itself in sleeper_awake(), so that the owner sees what the waker did before */
	if (atomic_exchange_explicit(&s->state, SLEEPER_NOTIFIED, memory_order_acq_rel) ==
	    SLEEPER_ASLEEP)
		s->rouse(s);
}

static inline void sleeper_wake_waiter(struct waiter *w)
{
	sleeper_wake((struct sleeper *)(void *)w);
}

static inline void sleeper_init(struct sleeper *s, void (*rouse)(struct sleeper *s))
{
	s->waiter.wake = sleeper_wake_waiter;
	atomic_init(&s->state, SLEEPER_AWAKE);
	s->rouse = rouse;
}

/* True: go to sleep now. False: a wake has come already. */
static inline bool sleeper_may_sleep(struct sleeper *s)
{
	int expected = SLEEPER_AWAKE;
	return atomic_compare_exchange_strong_explicit(&s->state, &expected, SLEEPER_ASLEEP,
						       memory_order_acq_rel, memory_order_acquire);
}

/* Back from sleep, or from being told not to: wakes count anew. */
static inline void sleeper_awake(struct sleeper *s)
{
	(void)atomic_exchange_explicit(&s->state, SLEEPER_AWAKE, memory_order_acq_rel);
}
