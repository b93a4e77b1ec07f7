/* recovery.h - what an earlier run left behind in the state directory, before anything is begun.
 *
 *   state_dir made or found -> locked -> log read, checked, its torn end cut off -> memory for a pipeline
 *
 * Threads: the main thread's; blocks. Memory: the log's. Layer: daemon. */
#pragma once

#include "conf/topology.h"
#include "daemon/pipeline.h"
#include "daemon/state_dir.h"

struct recovery {
	struct state_dir dir;
	struct epoch_log log;
	struct epoch_guard guard;
	struct backend *backend;
	struct pipeline_memory memory;
	char path[PATH_MAX]; /* the directory's */
	bool on;             /* if not, there are no epochs */
	bool log_begun;
};

/* from_scratch: what was remembered is set aside first. 0, or the exit code, having said why. r is always safe to release. */
int recovery_open(struct recovery *r, const struct topology *t, bool from_scratch);
/* The same where t says `epoch: off`, for what runs with epochs have left. Without a state directory, or with another
 * topology's, or, which is told, with one that another process has or that cannot be used, r is off: that is no error. */
int recovery_open_found(struct recovery *r, const struct topology *t, bool from_scratch);
void recovery_release(struct recovery *r);

/* From here on for t, whose name and state_dir are the same. */
void recovery_follow(struct recovery *r, const struct topology *t);

/* For pipeline_init(); NULL when there are no epochs. */
const struct pipeline_memory *recovery_memory(const struct recovery *r);

/* Where the topology's state is kept: as it says, else $STATE_DIRECTORY, else ./.sluice/NAME. 0 or -ENAMETOOLONG. */
int recovery_state_dir(const struct topology *t, char path[static PATH_MAX]);
