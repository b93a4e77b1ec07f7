/* steady_op.h - one operation at a time, each carried through: repeated when interrupted, put off while the disk is full, or, where
 * that is asked for, while too many files are open.
 *
 *	steady_op_begin(o, (struct io_op){.code = IO_TRUNCATE, ...});
 *	if ((r = steady_op_step(o)) != STEP_DONE)           STEP_WAIT, or STEP_MORE: to be stepped again
 *		return r;
 *	o->result                                           as the operation's
 *
 * Closing and syncing are not put off: of a sync that failed nobody knows what it left behind, whatever the reason.
 *
 * Threads: the owner's. Memory: none; stays put while busy. Layer: stages. */
#pragma once

#include "stages/space_wait.h"

struct steady_op {
	struct env *env;
	struct space_wait *space;
	const char *path; /* for messages */
	struct io_op op;
	int64_t result;
	bool putting_off;
	bool awaits_files; /* to be set after init: -EMFILE and -ENFILE are no result */
};

/* What it points to outlives it. */
void steady_op_init(struct steady_op *o, struct env *env, struct space_wait *space,
		    const char *path);

/* `done` and `owner` are set here. */
void steady_op_begin(struct steady_op *o, struct io_op op);

/* After a begin. STEP_DONE once it has a result; also when asked again. */
int steady_op_step(struct steady_op *o);
