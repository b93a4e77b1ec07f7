/* sim_recovery.h - what `sluice run` does before its pipeline (daemon/recovery.c), on the simulated machine: state
 * directory, lock, epoch log. It may be broken off at any step, as the machine may crash there.
 *
 * Threads: one. Memory: its own, until sim_recovery_end(). Layer: tests. */
#pragma once

#include "daemon/pipeline.h"
#include "daemon/state_dir.h"
#include "tests/sim/sim_run.h"

#define SIM_STATE_DIR "/state/s"

struct sim_recovery {
	struct sim_io *io;
	struct sim_clock *clock;
	struct state_dir dir;
	struct epoch_log log;
	struct pipeline_memory memory;
	unsigned steps_left; /* until it is broken off; UINT_MAX: never */
	bool begun, log_begun;
};

/* 0; -EINTR: broken off after so many steps; or -errno. All that is pointed to outlives it. */
int sim_recovery_begin(struct sim_recovery *r, const struct topology *t, struct sim_fs *fs,
		       struct sim_clock *clock, struct sim_story *story,
		       const struct sim_faults *faults, struct sim_happened *happened,
		       struct sim_random random, unsigned steps);
/* The process ends, or has been killed: its machine's part comes before. */
void sim_recovery_end(struct sim_recovery *r, bool killed);
