/* output_restore.h - brings one file back to a length it had: checks that it is the one, cuts off what is too much, and
 * closes the zstd frame that was open there.
 *
 *   OPEN --> LOOK --> LOCK --> [TRUNCATE] --> [CLOSE_FRAME] --> SYNC --> CLOSE --> DONE
 *    ^  \-------> [CLOSE] --> LIST --+      not there, or another file: under which name is it?
 *    +-------------------------------+
 *
 * A file that others have moved is found again within its directory, by its inode and its birth time, and brought back there.
 * Where its birth is not known it is not searched for, as another file may have its inode by now.
 *
 * A mark of an earlier run's end is only checked: others may have appended since, or have taken the file away. An entry of
 * an undo journal is a wish: a file that is gone or another one needs nothing. Done again it comes to the same. What it
 * refuses has been said.
 *
 * Threads: the owner's. Memory: while a frame is being closed, what decoding takes; given back at the end. Layer: stages. */
#pragma once

#include "stages/lock_wait.h"
#include "stages/open_frame.h"
#include "stages/output_mark.h"

enum output_restore_why {
	RESTORE_MARK,   /* it was committed */
	RESTORE_ORPHAN, /* it was, by a sink that is no more */
	RESTORE_LEFT, /* it was, and then others moved, deleted or cut it, as was noted: what is left of it is right */
	RESTORE_UNDO, /* it was so long before it was appended to */
	RESTORE_UNDO_AGAIN, /* and an older entry or the mark will bring it back further: it may be shorter, too */
};

enum output_restore_state {
	RESTORE_OPEN,
	RESTORE_LOOK,
	RESTORE_LOCK,
	RESTORE_TRUNCATE,
	RESTORE_CLOSE_FRAME,
	RESTORE_SYNC,
	RESTORE_CLOSE,
	RESTORE_LIST,
	RESTORE_DONE,
	RESTORE_STATES,
};

struct output_restore {
	struct env *env;
	const struct output_mark *mark;
	enum output_restore_why why;

	enum output_restore_state state;
	struct steady_op op;
	int fd;
	struct io_status status;
	struct lock_wait lock;
	struct open_frame frame;
	const char *missing; /* why it is searched for */
	enum { SEARCH_NOT_YET, SEARCH_BEGINS, SEARCH_OVER } search;
	char path[PATH_MAX]; /* where it is */
	struct io_listing listing;
	int failed;
};

/* The mark outlives it. Then step. */
void output_restore_begin(struct output_restore *r, struct env *env, struct space_wait *space,
			  const struct output_mark *mark, enum output_restore_why why);

/* STEP_WAIT or STEP_MORE until STEP_DONE; or -errno, -EIO when it refuses, with all closed. */
int output_restore_step(struct output_restore *r);

/* No operation may be under way. */
void output_restore_release(struct output_restore *r);
