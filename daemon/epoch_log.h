/* epoch_log.h - what the stages want remembered, on disk: one record for each epoch, and the record is the commit.
 *
 *   state_dir/epochs       the log (daemon/epoch_format.h)
 *   state_dir/epochs.new   being made: the first record of all, or all that is remembered as one record
 *
 *   open      READ --> UNLINK --> TRUNCATE --> REWRITE --> SLOT --> SYNC --> DIRECTORY --> READY    (no log: READY after
 *                                                                                                    UNLINK)
 *   append    WRITE --> SLOT --> SYNC --> READY
 *               | no room              ^
 *               +--> TRUNCATE ---------+
 *   compact, and the first append
 *             NEW --> NEW_WRITE --> NEW_FRONT --> NEW_SYNC --> RENAME --> DIRECTORY --> READY
 *                        | no room                                          ^
 *                        +--> ABANDON --------------------------------------+
 *   any other error                                                       FAILED
 *
 * Open makes durable what it found before it reports it: a log read from the page cache after a crash may be on no disk
 * yet. If its last sync failed, its newest record never will be, though it reads well and a later sync succeeds: so that
 * is written once more. A record torn as it was written is cut off. A crash at any moment leaves a log that says N or N-1.
 *
 * Once something failed for good (a fdatasync before all: what the page cache says then can't be trusted) the log is
 * FAILED: it refuses everything, with that error, and only a restart finds out what is on disk. Want of room (-ENOSPC,
 * -EDQUOT) and of memory is not such a failure: the log is READY, as it was before, and the same may be tried again.
 *
 * Threads: the owner's. Memory: the map, and about 150 KiB. One process at a time: daemon/state_dir.h. Layer: daemon. */
#pragma once

#include "daemon/epoch_reader.h"
#include "daemon/record_writer.h"

enum epoch_log_state {
	EPOCH_LOG_READ,
	EPOCH_LOG_UNLINK,
	EPOCH_LOG_TRUNCATE,
	EPOCH_LOG_REWRITE,
	EPOCH_LOG_WRITE,
	EPOCH_LOG_SLOT,
	EPOCH_LOG_SYNC,
	EPOCH_LOG_NEW,
	EPOCH_LOG_NEW_WRITE,
	EPOCH_LOG_NEW_FRONT,
	EPOCH_LOG_NEW_SYNC,
	EPOCH_LOG_RENAME,
	EPOCH_LOG_DIRECTORY,
	EPOCH_LOG_ABANDON,
	EPOCH_LOG_READY,
	EPOCH_LOG_FAILED,
	EPOCH_LOG_STATES,
};

enum epoch_log_job {
	EPOCH_LOG_NONE,
	EPOCH_LOG_OPENING,
	EPOCH_LOG_APPENDING,
	EPOCH_LOG_CREATING, /* the first append */
	EPOCH_LOG_COMPACTING,
};

struct epoch_log {
	struct epoch_map map;       /* as of `epoch`; to be read, not changed */
	struct epoch_report report; /* what opening found; also when it failed */
	uint64_t epoch;             /* the newest committed; 0: none */
	uint64_t length;            /* of the log, in bytes; 0: there is none */

	/* within */
	struct io *io;
	int directory, fd, new_fd;
	enum epoch_log_state state;
	enum epoch_log_job job;
	struct io_op op;
	struct epoch_reader reader;
	struct record_writer writer;
	struct epoch_header header;
	uint64_t header_chain, chain; /* of the log; of its newest record */
	struct epoch_slot newest;     /* the newest slot that is durable ... */
	unsigned newest_index;        /* ... and which it is */
	struct epoch_slot slot;       /* being written to the other */
	int64_t wall_ns;              /* of `epoch` */
	uint64_t compact_above;       /* bytes: no sooner, as the last time there was no room */
	bool ragged;                  /* behind `length` may be something */
	int failed;                   /* -errno: what the job ends with */

	struct packer blocks; /* header and slots, as written */
	struct iovec span;    /* being written ... */
	uint64_t span_at;     /* ... to there */
};

/* Begins to open the log in that directory, which outlives l, as does name (EPOCH_NAME_MAX bytes at most, or
 * -ENAMETOOLONG). 0 or -errno; to be released in either case. Then step: STEP_DONE, or what epoch_reader.h says was
 * found, or -errno; l->report says more. After an error there is nothing to be done but to release it. */
int epoch_log_open(struct epoch_log *l, struct io *io, int directory, const char *name);

/* Begins to commit an epoch, larger than those before it; wall_ns since 1970. Parts and their deltas stay put until it is
 * done. 0; -ENOMEM: nothing was begun; or the error with which the log failed. Then step: STEP_DONE, it is committed and
 * in the map; or -errno, it is not. */
int epoch_log_append(struct epoch_log *l, uint64_t epoch, int64_t wall_ns,
		     const struct epoch_part *parts, size_t count);

/* True when the log is so much larger than what it says that it should be compacted. */
bool epoch_log_is_large(const struct epoch_log *l);
/* Begins to. Then step: STEP_DONE; -ENOSPC, -EDQUOT, -ENOMEM and errors of opening a file: it stays as large as it is
 * until it has grown some more; other errors: failed. 0, or the error with which the log failed. */
int epoch_log_compact(struct epoch_log *l);

/* Goes one step on: STEP_MORE if something came of it; STEP_WAIT if an operation is under way, or nothing to do;
 * STEP_DONE or -errno, once, when what was begun is over. */
int epoch_log_step(struct epoch_log *l);

static inline bool epoch_log_is_ready(const struct epoch_log *l)
{
	return l->state == EPOCH_LOG_READY;
}

/* True as long as an operation is under way: it may not be released. */
bool epoch_log_is_busy(const struct epoch_log *l);

/* Closes and frees; also what failed. */
void epoch_log_release(struct epoch_log *l);
