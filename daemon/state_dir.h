/* state_dir.h - the directory where a topology's state is, made if it is missing, and one process's alone.
 *
 *   OPEN --> LOCK_OPEN --> LOCK --> NOTE --> READY
 *    |          |            | another has it
 *    |          |            +--> HOLDER --> FAILED (-EBUSY)
 *    +----------+ missing
 *    v
 *   MAKE --> ABOVE --> SYNC --> LEAVE --> MAKE ... --> OPEN        from the top down, each synced in the one above
 *
 *   state_dir/lock     locked as long as a process has it; in it that process's id, for whoever finds it locked
 *
 * That the lock file is there says that the directories above it are on disk, so a crash while they were made does not
 * leave one that the next start takes for durable. The lock ends with the process, however that ends; the file stays.
 *
 * Threads: the owner's. Memory: none beside the structure. Layer: daemon. */
#pragma once

#include "stages/io.h"

#include <limits.h>

enum state_dir_state {
	STATE_DIR_OPEN,
	STATE_DIR_MAKE,
	STATE_DIR_ABOVE,
	STATE_DIR_SYNC,
	STATE_DIR_LEAVE,
	STATE_DIR_LOCK_OPEN,
	STATE_DIR_LOCK,
	STATE_DIR_HOLDER,
	STATE_DIR_NOTE,
	STATE_DIR_READY,
	STATE_DIR_FAILED,
	STATE_DIR_STATES,
};

struct state_dir {
	int fd;      /* READY: the directory's; -1: none */
	int lock;    /* READY: the lock file's */
	long holder; /* -EBUSY: the process that has it; 0: not known */

	/* within */
	struct io *io;
	enum state_dir_state state;
	char path[PATH_MAX];
	char part[PATH_MAX]; /* of path, being made, or the directory it lies in */
	size_t walked;       /* path[0, walked) has been made */
	size_t above;        /* path[0, above) is where it lies */
	bool new_part;       /* path[0, walked) was not there before */
	bool made;           /* the walk is done */
	int above_fd;
	int failed;
	char text[32]; /* what the lock file says */
	struct iovec span;
	struct io_op op;
};

/* Begins. pid: what the lock file will say. 0, -ENAMETOOLONG, or -EINVAL for an empty path; then step. */
int state_dir_open(struct state_dir *d, struct io *io, const char *path, long pid);

/* STEP_MORE; STEP_WAIT while an operation is under way; STEP_DONE, it is ours; -EBUSY, it is another's (d->holder);
 * -errno. */
int state_dir_step(struct state_dir *d);

/* Nothing may be under way. Gives up the lock. */
void state_dir_release(struct state_dir *d);
