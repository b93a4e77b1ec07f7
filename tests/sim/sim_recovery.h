/* sim_recovery.h - what `sluice run` does before its pipeline (daemon/recovery.c), on the simulated machine: state
 * directory, lock, epoch log, and what earlier topologies left (daemon/leftovers.h). It may be broken off at any step, as the machine
 * may crash there.
 *
 * Threads: one. Memory: its own, until sim_recovery_end(). Layer: tests. */
#pragma once

#include "daemon/leftovers.h"
#include "daemon/pipeline.h"
#include "daemon/state_dir.h"
#include "tests/sim/sim_run.h"

#define SIM_STATE_DIR "/state/s"

struct sim_recovery {
	struct env env; /* must stand first: that of what sees to leftovers, ... */
	struct leftovers_host host;
	struct sim_random random;
	uint64_t deadline_ns, room_ns; /* ... when it asked to be stepped, and the disk has room */
	struct sim_faults faults;
	struct sim_fs *fs;
	struct sim_story *story;
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
/* Then, if it succeeded: outputs of sinks that t has not, or elsewhere, are brought back. room_ns: when a full disk is
 * emptied; 0: it is not full. As sim_recovery_begin(). */
int sim_recovery_see_to_leftovers(struct sim_recovery *r, const struct topology *t,
				  struct sim_random random, uint64_t room_ns, unsigned steps);
/* The process ends, or has been killed: its machine's part comes before. */
void sim_recovery_end(struct sim_recovery *r, bool killed);
