/* epoch_guard.h - whether the state directory still is what was opened: a record in a log that no start will find any more
 * commits nothing, and beside a lock that has no name any more another process may begin.
 *
 *   LOCK (by its path) --> NAMED (the log, by its name) --> OWN (the log that is written) --> STEP_DONE, or -ESTALE
 *
 * What cannot be looked at is not taken for gone. Threads: the owner's. Memory: none beside the structure. Layer: daemon. */
#pragma once

#include "daemon/epoch_log.h"

#include <limits.h>

enum epoch_guard_state { EPOCH_GUARD_LOCK, EPOCH_GUARD_NAMED, EPOCH_GUARD_OWN, EPOCH_GUARD_DONE };

struct epoch_guard {
	char lock_path[PATH_MAX + sizeof "/lock"];
	uint64_t device, inode; /* of the lock that we have */

	/* within */
	struct io *io;
	const struct epoch_log *log;
	enum epoch_guard_state state;
	struct io_op op;
	struct io_status status, named;
};

/* lock: the descriptor of the one in that directory. 0 or -errno. Blocks. */
int epoch_guard_init(struct epoch_guard *g, const char *state_dir, int lock);

/* Looks once more, before a record is written. Then step: STEP_MORE, STEP_WAIT, STEP_DONE: all is as it was; or -ESTALE. */
void epoch_guard_begin(struct epoch_guard *g, struct io *io, const struct epoch_log *log);
int epoch_guard_step(struct epoch_guard *g);
