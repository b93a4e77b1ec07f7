/* parker.h - a thread that sleeps on a futex, as a waiter.
 *
 *   AWAKE --(sleeper finds nothing)--> ASLEEP --(wake)--> WOKEN
 *     \-----------------(wake)-----------------------------^      only ASLEEP costs the waker a system call
 *
 * Threads: one sleeps; any wakes. Memory: the sleeper's stack, until waitlist_disarm() is back.
 * Layer: libc only. */
#pragma once

#include "ringbuf/waiter.h"

/* No deadline: waits for as long as it takes. */
#define PARKER_FOREVER UINT64_MAX

struct parker {
	struct waiter waiter; /* must stand first */
	_Atomic uint32_t state;
};

void parker_init(struct parker *p);

/* Sleeps until woken since the last wait. 0, or -ETIMEDOUT once CLOCK_MONOTONIC has reached deadline_ns. */
int parker_wait(struct parker *p, uint64_t deadline_ns);
