/* sim_course.h - one run that is always the same, but for the one operation that fails in it.
 *
 *   two inputs, one of them zstd -> a filter with two workers -> a plain and a zstd output, both rotated; epochs
 *
 *   begin -> lines, a rename, lines ... KILLED -> begin -> lines ... CRASH -> begin -> lines ... -> end
 *     any of them may fail and say why: it is begun anew, three times; then what failed is mended, and it goes on
 *   -> once more, with nothing failing: every output holds every record once, in order
 *
 * What must hold: what ends without failure has stored everything; what fails says why; what waits says for what, and
 * goes on when it is mended; nothing spins, nothing waits for ever, no descriptor is left open.
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_strike.h"

struct sim_course {
	bool once; /* to the end of the input; else files are followed */
	bool told; /* keep the story */
	struct sim_strike strike;
	uint64_t
	    operations; /* afterwards: how many there were before the last process, in which nothing fails */
};

/* True if all held. Says on stderr what did not, with the story if it was kept. c->strike counts operations. */
bool sim_course_run(struct sim_course *c);
