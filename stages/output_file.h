/* output_file.h - one output on disk: made with its directories, opened, renamed when it is finished, closed.
 *
 *   CLOSED --> BASE                         a path that varies: its base, then one directory after another
 *     |         v
 *     |     DESCEND <--> MAKE
 *     |      |    ^----- SYNC_ABOVE --> LEAVE
 *     v      v
 *        OPEN <---------- REOPEN            one that does not: at once
 *     v                     ^
 *    LOOK --> LOCK --> COMPARE --> PEEK_OPEN --> PEEK_COMPARE --> PEEK --> [WALK]     a regular file; if it holds
 *     |                     |                                              |          anything
 *     v                     v                                              v
 *   READY <--- HOLD <--- NOTE_OPENED <--- [SYNC_FOUND] <---------------- PEEK_CLOSE
 *     v  \--> NOTE_LEFT --> [CUT_BACK] --> CLOSE ...         somebody else moved, deleted or cut it
 *   NOTE_RENAMED --> RENAME --> CLOSE --> CLOSE_DIRECTORY --> CLOSE_HELD --> CLOSED
 *
 * With an undo journal, OPEN finds only what is there; else NOTE_CREATED --> CREATE makes it. HOLD opens the directory
 * for syncing, and what has been written is settled (stages/output_settling.h) instead of being closed here. Without one
 * there are no NOTEs, no SYNC_ABOVE and no HOLD.
 *
 * A path that varies is opened beneath its base, component by component, through no symbolic link; the descriptor of
 * the directory it lies in is kept, so that renaming it stays in there. A path that does not vary is the operator's
 * word and opened as it stands: it may be a link, a device, or a FIFO, whose reader is waited for.
 *
 * A regular file has one writer: it is locked before anything is written, and let go with its descriptor, so also by a
 * process that was killed, whose end is waited for a little. What was locked is compared with what the path names by
 * then: another process may have renamed it meanwhile. A file that holds something already is appended to only if it is
 * of the kind that is written: zstd frames behind zstd frames, and nothing else behind those; nothing at all behind gzip.
 * A frame that somebody left open, be it a run of which nothing is remembered, is closed before anything follows it, behind
 * its last whole block, once it is noted: WALK --> SYNC_FOUND --> NOTE_OPENED --> CUT_FRAME --> CLOSE_FRAME --> PEEK_CLOSE
 * --> HOLD. Undoing opens it again.
 *
 * Directories named after the time are made; one that the topology names must be there, as a path mistyped is no
 * reason to make another tree. On a full disk it waits. What failed has been said when it is returned.
 *
 * Which file holds what: output_directory.c walks to where it lies, output_opening.c opens it, output_mending.c closes a
 * frame in it, output_closing.c ends it.
 *
 * Threads: the owner's. Memory: the structure; while a frame is looked for and closed, what that takes. Layer: stages. */
#pragma once

#include "stages/codec/zstd_magic.h"
#include "stages/io.h"
#include "stages/lock_wait.h"
#include "stages/open_frame.h"
#include "stages/output_end.h"
#include "stages/output_mark.h"
#include "stages/output_settling.h"
#include "stages/path_template.h"
#include "stages/space_wait.h"
#include "stages/undo_journal.h"

#include <limits.h>

enum output_file_state {
	OUTPUT_CLOSED,
	OUTPUT_BASE,
	OUTPUT_DESCEND,
	OUTPUT_MAKE,
	OUTPUT_SYNC_ABOVE,
	OUTPUT_LEAVE, /* closing the directory above */
	OUTPUT_OPEN,
	OUTPUT_NOTE_CREATED,
	OUTPUT_CREATE,
	OUTPUT_LOOK,
	OUTPUT_LOCK,
	OUTPUT_COMPARE,
	OUTPUT_REOPEN,
	OUTPUT_PEEK_OPEN,
	OUTPUT_PEEK_COMPARE,
	OUTPUT_PEEK,
	OUTPUT_WALK,
	OUTPUT_CUT_FRAME,
	OUTPUT_CLOSE_FRAME,
	OUTPUT_PEEK_CLOSE,
	OUTPUT_SYNC_FOUND,
	OUTPUT_NOTE_OPENED,
	OUTPUT_HOLD,
	OUTPUT_READY,
	OUTPUT_NOTE_LEFT,
	OUTPUT_CUT_BACK,
	OUTPUT_NOTE_RENAMED,
	OUTPUT_RENAME,
	OUTPUT_SYNC_RENAMED,
	OUTPUT_CLOSE,
	OUTPUT_CLOSE_DIRECTORY,
	OUTPUT_CLOSE_HELD,
	OUTPUT_STATES,
};

struct output_file {
	struct env *env;
	struct stage_counters *counters;
	struct space_wait *space;
	const struct path_template *template;
	struct undo_journal *journal; /* NULL: nothing is noted, nothing synced */
	struct output_settling
	    *settling; /* with a journal; then READY is left only while it has room */

	enum output_file_state state;
	bool zstd; /* what is written to it */
	/* From the owner: files as they were left, with no open frame. NULL: it knows of none. */
	const struct output_ends *known;
	char path[PATH_MAX];
	int fd;        /* READY: the file's; -1: none */
	int directory; /* where it lies; -1: none; AT_FDCWD if the path does not vary */
	int held;    /* READY, with a journal: where it lies if the path does not vary; -1: none */
	bool stream; /* READY: not a regular file: no offsets, no rotation */
	bool fifo;   /* READY: and a FIFO */
	uint64_t length;     /* READY: of what was there before us */
	uint64_t found;      /* the same without what closed its last frame */
	int64_t modified_ns; /* and when that was last written, since 1970 */

	/* within */
	struct io_op op;
	struct io_status status, named; /* of the descriptor, of the path */
	struct lock_wait lock;
	unsigned replaced; /* how often another file was there after locking */
	int peeking;       /* a descriptor to read with; -1: none */
	uint8_t first[ZSTD_MAGIC_LENGTH];
	size_t first_length;
	struct open_frame frame;   /* WALK, CLOSE_FRAME */
	bool mends;                /* NOTE_OPENED, CLOSE_FRAME, PEEK_CLOSE: that is open */
	int failed;                /* -errno, returned once all is closed */
	bool again;                /* the state's operation is to be submitted again ... */
	uint64_t again_at_ns;      /* ... not before this, or if 0 when the disk has room */
	size_t walked;             /* path[0, walked) is above what is being opened */
	int above;                 /* LEAVE: being closed */
	bool made;                 /* what was missing has been made: that is done once */
	bool created;              /* the file, by us */
	bool synced;               /* READY, for whoever syncs it: it has been before */
	bool reader_awaited;       /* said once */
	unsigned descriptor_tries; /* in a row that there was none */
	bool renames;              /* after READY */
	bool cuts;                 /* NOTE_LEFT: CUT_BACK follows */
	uint64_t left_length;      /* NOTE_LEFT, CUT_BACK */
	/* In that second it was renamed with all lower numbers, as the next ones sort behind these; 0: nobody knows. */
	int64_t renamed_second;
	unsigned renamed_number;
	char name[PATH_MAX]; /* a component of path, or the directory it lies in */
	char to[PATH_MAX];   /* what it is renamed to; "": a name that is too long */
};

/* zstd: of the content, which is appended to nothing else. What it points to outlives it. */
void output_file_init(struct output_file *f, struct env *env, struct stage_counters *counters,
		      struct space_wait *space, const struct path_template *template, bool zstd);

/* Closes what is open. No operation may be under way. */
void output_file_release(struct output_file *f);

/* From CLOSED: begins to open a file that the template gave the path of; shorter than PATH_MAX. */
void output_file_open(struct output_file *f, const char *path);

/* The directory that has its name, to be synced; -1: none. */
int output_file_holder(const struct output_file *f);

/* From READY: begins to close it, after renaming it if asked to. */
void output_file_close(struct output_file *f, bool rename);

/* From READY: begins to close a file that somebody else has moved, deleted or cut, of that length. cut: what is in it
 * behind that goes first. */
void output_file_leave(struct output_file *f, uint64_t length, bool cut);

/* Its path as it may be shown. */
const char *output_file_shown(const struct output_file *f);

/* True while it waits for somebody to read from a FIFO. */
bool output_file_awaits_reader(const struct output_file *f);

/* Gives up that wait: CLOSED. */
void output_file_abandon(struct output_file *f);

/* Goes one step on: STEP_MORE if something came of it, STEP_WAIT if not, or -errno once all is closed. */
int output_file_step(struct output_file *f);
