/* rehearsal_sink.h - where the records of a rehearsal (daemon/rehearsal.h) end: each is held against what the test expects there, and kept to
 * be shown.
 *
 * Threads: the rehearsal's. Memory: rehearsal_yield_release(). Layer: daemon. */
#pragma once

#include "conf/topology_test.h"
#include "stages/stage.h"

struct rehearsal_record {
	char *bytes;
	size_t length;
};

/* What one expression came to. */
struct rehearsal_verdict {
	size_t
	    first_failed; /* the first record for which it is not true; SIZE_MAX: there is none */
	size_t held;      /* for how many it is */
	const char *why;  /* static: it could not be told of the first; NULL: it was false */
};

/* What came out at one place. */
struct rehearsal_yield {
	struct rehearsal_record *list;
	size_t count, room;
	struct rehearsal_verdict *each, *any; /* by expectation of the test */
};

struct rehearsal_sink_options {
	const struct topology_test *test;
	size_t stage;    /* of the user's topology: the expectations of this one, */
	unsigned output; /* and this output, are to be told */
	struct rehearsal_yield *yield;
};

extern const struct stage_type rehearsal_sink_type;

static inline bool rehearsal_sink_is_of(const struct rehearsal_sink_options *o,
					const struct test_expectation *e)
{
	return e->stage == o->stage && e->output == o->output;
}

/* 0 or -ENOMEM; to be released in any case. */
int rehearsal_yield_init(struct rehearsal_yield *y, const struct topology_test *test);
void rehearsal_yield_release(struct rehearsal_yield *y);
