/* sim_sweep.h - every operation of a run fails, one at a time, with all that it may fail with, once and for ever.
 *
 *   run without faults --> which operations there are --> cases: operation x error x how long
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_course.h"

struct sim_sweep {
	struct sim_kind *kinds; /* of the operations, following first */
	size_t follow_count, count;
	size_t cases;
};

/* False, having said why: not even without faults did it hold. */
bool sim_sweep_init(struct sim_sweep *s);
void sim_sweep_release(struct sim_sweep *s);

/* True if it held. What did not is said on stderr, with the story if `told`. */
bool sim_sweep_case(const struct sim_sweep *s, size_t number, bool told);
