/* stopped_world.h - a pipeline of fake stages on the simulator's disk, whose process is ended from outside after so many moves and begun
 * again: for tests that do so at every move there is.
 *
 * Threads: one. Memory: all of it until stopped_world_end(). Layer: tests. */
#pragma once

#include "tests/sim/sim_recovery.h"
#include "tests/unit/daemon/fake_stages.h"

/* How a process is ended. */
enum stop { STOP_NEVER, STOP_KILL, STOP_CRASH };

struct stopped_world {
	struct topology topology;
	struct plan plan;
	struct sim_fs fs;
	struct sim_clock clock;
	struct sim_story story;
	struct sim_faults faults; /* slow, unless the test adds some */
	uint64_t interval_ns;     /* of epochs; short, unless the test says more */
	struct sim_happened happened;
	struct sim_random random;
	struct sim_recovery recovery;
	struct sim_run run;
};

void stopped_world_begin(struct stopped_world *w, const char *yaml, uint64_t seed);
void stopped_world_end(struct stopped_world *w);

/* A process, from what is on the disk. */
void stopped_world_start(struct stopped_world *w);
/* Until it ends by itself (true), or so many moves have been made. */
bool stopped_world_run(struct stopped_world *w, uint64_t moves);
void stopped_world_stop(struct stopped_world *w, enum stop how);
/* Lets it come to its end, well. */
void stopped_world_end_well(struct stopped_world *w);

/* Stops it now, which was after so many moves, begins it again, now and then twice, and lets it come to its end. */
void stopped_world_stop_and_end(struct stopped_world *w, uint64_t move, enum stop how);
