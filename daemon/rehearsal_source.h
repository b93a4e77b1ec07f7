/* rehearsal_source.h - the source of a rehearsal (daemon/rehearsal.h): the records that a test gives, then the end.
 *
 * Threads: its worker's. Memory: the records are the test's. Layer: daemon. */
#pragma once

#include "conf/topology_test.h"
#include "stages/stage.h"

struct rehearsal_source_options {
	const struct topology_test *test;
	int64_t wall_ns; /* when they are read */
};

extern const struct stage_type rehearsal_source_type;

/* What is wrong with the records' fields, told at their places. 0 or -EINVAL. */
int rehearsal_source_check(const struct topology_test *test, struct problems *problems);
