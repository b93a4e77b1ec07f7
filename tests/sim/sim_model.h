/* sim_model.h - what every sink should hold in the end, worked out as plainly as can be, and whether it does.
 *
 *   streams -> records (lines, cut as `max_line` says) -> for each sink: how often, in which order
 *
 * A record reaches a sink as often as there are ways from its source to it whose filters let it pass. Those of one
 * stream come in order along each ordered way, so that what a sink holds of it can be dealt into as many ascending
 * rows as there are ways.
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_input.h"

enum sim_demand {
	SIM_WHOLE,  /* every record, exactly */
	SIM_PREFIX, /* of each stream a beginning, the same in every sink: the end came early */
	SIM_NO_MORE /* something failed: no record too often, whatever is missing or torn */
};

struct sim_model {
	const struct shape *shape;
	const struct sim_input *input;
	struct sim_fs *fs;
	enum sim_demand demand;
	bool once; /* a line without its newline is a record */
	bool
	    set_back; /* the clock was: a dated path comes again, so that its files' names tell of no order */
	char why[512]; /* the first difference */
};

/* True if every sink holds what it should. */
bool sim_model_holds(struct sim_model *m);
