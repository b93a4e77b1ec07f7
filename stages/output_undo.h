/* output_undo.h - undoes one entry of an undo journal: unlinks what was created, renames back, cuts back.
 *
 *   created    OPEN --> LOOK --> LOCK --> UNLINK --> CLOSE --> above
 *   renamed    OPEN --> LOOK --> LOCK --> RENAME --> CLOSE --> above     above: DIRECTORY_OPEN --> SYNC --> CLOSE --> DONE
 *   appended   RESTORE --> DONE               (also: created through a symbolic link; created, and moved by others; left)
 *
 * A file is known by its inode and its birth time; one that is not the one is left alone, and an act that did not happen needs nothing. A
 * created file whose inode was not noted any more is known by being empty. So doing it again does no harm; the directory is
 * synced in any case, as somebody may have come so far before and no further.
 *
 * Threads: the owner's. Memory: none of its own. Layer: stages. */
#pragma once

#include "stages/output_restore.h"
#include "stages/undo_entry.h"

enum output_undo_state {
	OUTPUT_UNDO_OPEN,
	OUTPUT_UNDO_LOOK,
	OUTPUT_UNDO_LOCK,
	OUTPUT_UNDO_UNLINK,
	OUTPUT_UNDO_RENAME,
	OUTPUT_UNDO_COMPARE,
	OUTPUT_UNDO_CLOSE,
	OUTPUT_UNDO_DIRECTORY_OPEN,
	OUTPUT_UNDO_DIRECTORY_SYNC,
	OUTPUT_UNDO_DIRECTORY_CLOSE,
	OUTPUT_UNDO_RESTORE,
	OUTPUT_UNDO_DONE,
	OUTPUT_UNDO_STATES,
};

struct output_undo {
	struct env *env;
	struct space_wait *space;
	const struct undo_entry *entry;
	bool again; /* an older entry or the mark is of the same file */

	enum output_undo_state state;
	struct steady_op op;
	int fd;
	bool found; /* it is where it was created */
	struct io_status status;
	struct lock_wait lock;
	char directory[PATH_MAX];
	struct output_mark mark; /* RESTORE */
	struct output_restore restore;
	int failed;
};

/* All of it outlives u. Then step. */
void output_undo_begin(struct output_undo *u, struct env *env, struct space_wait *space,
		       const struct undo_entry *entry, bool again);

/* STEP_WAIT or STEP_MORE until STEP_DONE; or -errno, having said why. */
int output_undo_step(struct output_undo *u);

/* No operation may be under way. */
void output_undo_release(struct output_undo *u);
