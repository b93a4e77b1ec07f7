/* sim_changes.h - between two starts somebody edits the topology's sinks, in ways that lose and double nothing.
 *
 *   renamed     another name, the same path
 *   moved       another path, of a file that nobody writes; maybe one that somebody has written to
 *   exchanged   two sinks have each other's path
 *   removed     and maybe back again, some starts later
 *
 * Each stays the sink that it is, by its place in the shape; what it wrote at one path before it had another is noted as
 * its own once that has been brought back (sim_model.h). All its chance is its own, so that worlds without changes are what
 * they would be without it.
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "tests/sim/sim_model.h"

/* A path that a sink may have. */
struct sim_spot {
	char name[8];
	bool zstd, dated;
};

struct sim_changes {
	bool on; /* in this world */
	struct sim_random random;
	struct shape *shape;
	const struct sim_input *input;
	struct sim_story *story;
	struct sim_spot places[2 * SHAPE_SINKS_MAX];
	size_t place_count;
	char ran_at[SHAPE_STAGES_MAX][8]; /* by stage: in the newest run; "": it was not in that */
	bool ran;                         /* there has been a run */
	struct sim_past past;
};

/* All that is pointed to outlives it. */
void sim_changes_init(struct sim_changes *c, uint64_t seed, struct shape *shape,
		      const struct sim_input *input, struct sim_story *story);
void sim_changes_release(struct sim_changes *c);

/* Before a start: true if the shape is another one now. */
bool sim_changes_make(struct sim_changes *c);

/* The recovery is through, and nothing has been written since. False: m->why. */
bool sim_changes_settle(struct sim_changes *c, struct sim_model *m);
