/* foresight.h - what recovery will find and do, worked out without touching anything, for `sluice state --verify`.
 *
 *   the disk  +  names and lengths as undoing will have left them so far  =  what is found next
 *
 * It does what stages/output_undo.h and the first half of stages/output_restore.h do, in their order. That a file is locked
 * or may not be written by who recovers it cannot be foreseen.
 *
 * Threads: main; blocks. Memory: until foresight_release(); paths are the callers' and outlive it. Layer: daemon. */
#pragma once

#include "stages/io.h"
#include "stages/undo_entry.h"

#include <stdbool.h>

struct foresight {
	struct foreseen_name *names; /* what will be under them; the latest first */
	struct foreseen_cut *cuts;   /* files that will have another length; the latest first */
};

void foresight_release(struct foresight *f);

/* A file, as a mark or an entry knows it. */
struct sought {
	const char *path;
	uint64_t inode;
	int64_t birth_ns;   /* 0: not known */
	bool is_looked_for; /* under other names in its directory, too, if its birth is known */
};

enum sight {
	SIGHT_THERE,
	SIGHT_MOVED,   /* it has another name in its directory */
	SIGHT_ANOTHER, /* another file has its name */
	SIGHT_GONE,
	SIGHT_FAILED,
};

/* THERE, MOVED: what it will be like. FAILED: what came of looking. */
enum sight foresight_find(const struct foresight *f, const struct sought *file,
			  struct io_status *ret_status, int64_t *ret_error);

enum undoing {
	UNDOING_NOTHING, /* what was noted did not happen, or is of no consequence any more */
	UNDOING_DELETES,
	UNDOING_RENAMES,
	UNDOING_CUTS,
	UNDOING_IS_SHORT, /* refused: it is shorter than it was before */
	UNDOING_FAILED,
};

struct foreseen {
	enum undoing undoing;
	uint64_t length; /* CUTS, IS_SHORT: that it is to have */
	uint64_t bytes;  /* CUTS: that go; IS_SHORT: that are missing */
	int error;       /* FAILED: -errno */
};

/* The next act, from the newest on; from now on it is undone. again: see undo_acts_come_again(). 0 or -ENOMEM. */
int foresight_undo(struct foresight *f, const struct undo_entry *e, bool again,
		   struct foreseen *ret_foreseen);
