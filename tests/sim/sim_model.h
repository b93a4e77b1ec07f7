/* sim_model.h - what every sink should hold in the end, worked out as plainly as can be, and whether it does.
 *
 *   streams -> records (lines, cut as `max_line` says) -> for each sink: how often, in which order
 *
 * A record reaches a sink as often as there are ways from its source to it whose filters let it pass. Those of one
 * stream come in order along each ordered way, so that what a sink holds of it can be dealt into as many ascending
 * rows as there are ways.
 *
 * A sink whose path has changed holds what it wrote at each, one after the other, and what was brought back at a path stays
 * there, whoever writes behind it. One that was taken out of the topology and put back misses of each stream what came
 * meanwhile: nothing before, nothing after, and nothing that was written only later.
 *
 * What a client of the program sent is in each sink no more often than he sent it, in order where it came for the first time, and
 * if it was answered is there: whatever happened, if answers wait for the epoch, else if nothing did.
 *
 * What calls a server may come to it more than once, if somebody was not answered or the program was interrupted: then what comes
 * for the first time is in order.
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_input.h"
#include "tests/sim/sim_peers.h"

enum sim_demand {
	SIM_WHOLE,  /* every record, exactly */
	SIM_PREFIX, /* of each stream a beginning, the same in every sink: the end came early */
	SIM_NO_MORE /* something failed: no record too often, whatever is missing or torn */
};

/* What of a file a sink wrote that has another path by now, or none. */
struct sim_claim {
	uint64_t birth; /* the file's */
	size_t sink, from, to;
	uint64_t hash;
};

/* What sinks did and missed before the topology was what it is (sim_held.h). */
struct sim_past {
	struct sim_claim *claims; /* the oldest first */
	size_t claim_count, claim_room;
	struct sim_absence {
		unsigned times;
		size_t *written, streams; /* when it came back: how long each stream was */
	} absences[SHAPE_STAGES_MAX];
};

struct sim_model {
	const struct shape *shape;
	const struct sim_input *input;
	struct sim_fs *fs;
	struct sim_past *past;   /* NULL: there is none */
	struct sim_peers *peers; /* NULL: there are none */
	enum sim_demand demand;
	bool once; /* a line without its newline is a record */
	bool
	    set_back; /* the clock was: a dated path comes again, so that its files' names tell of no order */
	char why[512]; /* the first difference */
};

/* True if every sink holds what it should. */
bool sim_model_holds(struct sim_model *m);
