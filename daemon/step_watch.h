/* step_watch.h - steps that take too long: nothing in a worker is to block, and whoever does holds up all that shares its thread.
 *
 *	step  step  step_____________________________step  step
 *	                    over STEP_LONG_NS: counted, and told: at once, then once a minute with how many there were
 *
 * Costs the reading of a coarse clock (a few nanoseconds; it moves every few milliseconds) before the steps of a round and after each.
 * What the thread has waited for a CPU is not the stage's doing: where the kernel tells (/proc/thread-self/schedstat) that is taken
 * off, as far as it was within a second before the step ended.
 *
 * Threads: the runner's. Memory: none; one descriptor. Layer: daemon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define STEP_LONG_NS UINT64_C(100000000)
#define STEP_QUIET_NS UINT64_C(60000000000)

struct step_watch {
	uint64_t now_ns;               /* coarse: when the last step ended */
	int schedule;                  /* schedstat; -1: the kernel does not tell */
	uint64_t looked_ns, waited_ns; /* for a CPU, up to looked_ns */
};

/* Of one worker. */
struct slow_steps {
	uint64_t quiet_until_ns;
	uint64_t untold, longest_ns; /* since the last time it was told */
};

struct worker;

void step_watch_begin(struct step_watch *w);
void step_watch_end(struct step_watch *w);

/* For step_watch_start() and step_watch_stepped(). */
void step_watch_look(struct step_watch *w);
void step_watch_took(struct step_watch *w, struct worker *worker, uint64_t took_ns);

/* One more that took so long. True: it is to be told, with what there was before; *ret_count and *ret_longest_ns are of all that were
 * not told yet. */
bool slow_steps_add(struct slow_steps *s, uint64_t took_ns, uint64_t now_ns, uint64_t *ret_count,
		    uint64_t *ret_longest_ns);

static inline uint64_t step_watch_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The steps of a round begin. */
static inline void step_watch_start(struct step_watch *w)
{
	w->now_ns = step_watch_clock();
	if (w->now_ns - w->looked_ns > 1000000000)
		step_watch_look(w);
}

/* That worker was stepped. */
static inline void step_watch_stepped(struct step_watch *w, struct worker *worker)
{
	const uint64_t before = w->now_ns;
	w->now_ns = step_watch_clock();
	if (w->now_ns - before > STEP_LONG_NS)
		step_watch_took(w, worker, w->now_ns - before);
}
