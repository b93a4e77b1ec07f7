/* rehearsal.h - one test of a topology's `tests:`, tried: the real stages, planned as they would run, with a source that gives
 * the test's records in the place of what it enters at, and sinks that keep what they get in the place of all others.
 *
 *   topology    access ─► parsed ─► errors ─► archive         test   at: parsed
 *                            └(dead letters)─► rejects               expect: from errors, from archive
 *
 *   rehearsal   test ──► parsed ─► errors ─┬─► kept           no file, no state, no thread; what is not reached from
 *                            │             └─► kept           `at` is left out
 *                            └───────────────► kept
 *
 * The clock stands still for as long as anything can be done, then goes on to the moment that somebody waits for. Workers are
 * stepped one after the other, always in the same order, so that a rehearsal ends as it ended the last time.
 *
 * Threads: one. Memory: rehearsal_release(). Layer: daemon. */
#pragma once

#include "daemon/plan.h"
#include "daemon/rehearsal_sink.h"
#include "daemon/rehearsal_source.h"

enum { REHEARSAL_SAID_ROOM = 512 };

struct rehearsal {
	const struct topology *of;
	const struct topology_test *test;
	struct topology
	    topology; /* its stages and their inputs are the rehearsal's, all else is lent */
	struct plan plan;
	struct topology_input *inputs;
	struct rehearsal_source_options source;
	struct rehearsal_sink_options *sinks;
	struct rehearsal_yield *yields; /* by sink */
	size_t sink_count;
	char said
	    [REHEARSAL_SAID_ROOM]; /* by a stage, of what it failed with; as it is, not escaped */
};

/* 0; -EINVAL with problems added, each at its place in the test; -ENOMEM. t is always safe to release, and stays where it is. */
int rehearsal_make(struct rehearsal *t, const struct topology *of, const struct topology_test *test,
		   struct problems *problems);
void rehearsal_release(struct rehearsal *t);

/* 0: all came to its end; -errno of a stage that failed; -EDEADLK: nothing goes on any more. */
int rehearsal_run(struct rehearsal *t);

/* What came out where that expectation looks. */
const struct rehearsal_yield *rehearsal_yield_of(const struct rehearsal *t,
						 const struct test_expectation *e);

/* All tests of a topology: what is wrong with them beyond how they are written. 0, -EINVAL with problems added, -ENOMEM. */
int rehearsals_check(const struct topology *t, struct problems *problems);
