/* ticker.h - when it is time again: every so long, or as cron says; and which times have been missed.
 *
 *   every 10s    |----.----|----.----|   from the beginning on by the monotonic clock, whatever is done to the other
 *   cron         by the wall clock in a zone; looked at every 10 s at least
 *
 * A tick that is late comes once, as the last one that was due: those before it are skipped. So is each that is due while its
 * user is busy. With `jitter` each comes that much later at most, by chance; its time is the one it was due at.
 *
 * A wall clock that is set, by an hour or less: what it has passed over comes as one that is late, what it shows again does not come
 * again. By more, as after a sleep of the machine's: it goes on from there, and that is said.
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/env.h"
#include "stages/time/cron.h"

struct ticker_options {
	uint64_t every_ns; /* 0: as cron says */
	uint64_t jitter_ns;
	const struct cron *cron;
	const struct zone *zone;
};

struct ticker {
	struct ticker_options options;
	struct env *env;
	uint64_t delay_ns;  /* by chance, of the next one */
	uint64_t due_ns;    /* every: when the next one is due, monotonic; UINT64_MAX: never */
	int64_t due_wall_s; /* cron: likewise, since 1970; INT64_MAX: never */
	uint64_t seen_ns;   /* both clocks, when last looked at */
	int64_t seen_wall_ns;
};

struct tick {
	int64_t wall_ns;  /* when it was due */
	uint64_t skipped; /* others, due before it and not taken */
};

/* The first one of `every` is due at once. */
void ticker_init(struct ticker *t, struct env *env, const struct ticker_options *o);

/* True: one is due, and is taken. False: none is, and its moment is told to env_wake_at(). */
bool ticker_take(struct ticker *t, struct tick *ret_tick);
