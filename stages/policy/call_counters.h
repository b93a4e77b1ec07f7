/* call_counters.h - what is counted of a stage's calls to something outside; shared by its instances.
 *
 * Threads: any, relaxed. Memory: the stage's counters. Layer: ringbuf only. */
#pragma once

#include "ringbuf/counter.h"

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };
enum { BREAKER_STATES = 3 };
extern const char *const breaker_state_names[BREAKER_STATES];

struct call_counters {
	struct counter attempts;      /* begun; 0: the stage makes no calls */
	struct counter retries;       /* of these: after one that had failed */
	struct counter timeouts;      /* that took longer than `timeout` */
	struct counter given_up;      /* calls that will not be tried again */
	struct counter opened;        /* times the breaker opened */
	struct counter breaker_state; /* enum breaker_state, at the moment */
	struct counter in_flight;     /* at the moment */
	struct counter in_flight_most;
	struct counter limited_ns; /* that calls have waited for `rate_limit`, together */
};
