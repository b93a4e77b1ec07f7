/* output_keep.h - deletes an output's finished files once they are older than `rotate.keep`.
 *
 *   IDLE --when the oldest may be due--> BASE --> LIST (one directory after another, from the base down) --> LEAVE_BASE --> IDLE
 *                                                 v  ^
 *   PICK, from what was listed <------------------+  +-- LEAVE <-- PICK: no more in this directory
 *    v
 *   [ENTER] --> LOOK --old enough--> OPEN --> LOCK --> COMPARE --> NAMED --> UNLINK --> CLOSE --> PICK
 *                 +-- it is not --> PICK         +--------+----------+-- it must not be --^
 *
 * Which files those are: what rotated_name() makes of the output's path, and of a path that varies also every other path
 * that its template makes. Nothing else is touched, nor a link, a directory, or what somebody has locked. A file is as old
 * as what was written to it last, or as the time in its name if that is later. Whoever owns this is asked before each
 * deletion: a file that is open, or that a recovery might look for, stays until it is neither.
 *
 * Directories are entered beneath the base, through no symbolic link. What cannot be listed or deleted is said, once until it
 * succeeds, and stays; the output itself never fails for it.
 *
 * Threads: the owner's. Memory: one directory's entries and the names of those still to be listed. Layer: stages. */
#pragma once

#include "stages/path_template.h"
#include "stages/stage.h"

#include <limits.h>

enum output_keep_state {
	KEEP_IDLE,
	KEEP_BASE,
	KEEP_LIST,
	KEEP_ENTER,
	KEEP_PICK,
	KEEP_LOOK,
	KEEP_OPEN,
	KEEP_LOCK,
	KEEP_COMPARE,
	KEEP_NAMED,
	KEEP_UNLINK,
	KEEP_CLOSE,
	KEEP_LEAVE,
	KEEP_LEAVE_BASE,
	KEEP_STATES,
};

/* What may become of a file. */
enum keep_answer {
	KEEP_IT,
	KEEP_DELETE_IT,
	KEEP_ASK_AGAIN, /* it is not known yet, and will be after a step of the owner's */
};

struct keep_directory;

struct output_keep {
	struct env *env;
	struct stage_counters *counters;
	const struct path_template *template;
	uint64_t keep_ns; /* 0: all is kept, and nothing ever looked at */
	/* That file, of which only the inode is known: may it be deleted now? */
	enum keep_answer (*may_delete)(void *owner, uint64_t inode);
	void *owner;

	enum output_keep_state state;
	uint64_t next_ns; /* IDLE: when it is looked at, monotonic */
	uint64_t
	    due_ns; /* when the oldest of those that were looked at will be old enough; UINT64_MAX: none is there */
	bool said_failure;       /* since the last success */
	bool failed;             /* this time */
	char base[PATH_MAX];     /* the directory above all of them; "": the working directory */
	char original[PATH_MAX]; /* the path that does not */
	struct keep_directory *waiting, *current;
	struct io_listing listing;
	size_t entry;     /* in the listing: the next one */
	int64_t named_ns; /* the time in the name at hand, since 1970; INT64_MIN: there is none */
	char path[PATH_MAX];      /* at hand */
	int above, directory, fd; /* the base, one beneath it, and a file in there; -1: none */
	struct io_op op;
	struct io_status status, named;
};

/* keep_ns, may_delete and owner are the caller's to set before the first step. What it points to outlives it. */
void output_keep_init(struct output_keep *k, struct env *env, struct stage_counters *counters,
		      const struct path_template *template);

/* No operation may be under way. */
void output_keep_release(struct output_keep *k);

/* One more file is finished. */
void output_keep_note(struct output_keep *k);

/* STEP_MORE or STEP_WAIT. */
int output_keep_step(struct output_keep *k);

/* True while it has been told that it may delete a file, and may have it locked: none is to be opened. */
static inline bool output_keep_is_deleting(const struct output_keep *k)
{
	return k->state >= KEEP_OPEN && k->state <= KEEP_CLOSE;
}

/* True while it looks at files. */
static inline bool output_keep_is_busy(const struct output_keep *k)
{
	return k->state != KEEP_IDLE;
}
