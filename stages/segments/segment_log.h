/* segment_log.h - a queue on disk: a directory of segment files; what is appended is read in order, and trimmed when it is not needed
 * any more.
 *
 *            trimmed         read up to           durable     written        end
 *               v                v                   v           v            v
 *   [ seg (gone) |   segment      |      segment      |  segment                | room ... ]    end - first segment <= max_bytes
 *                                                     |<- synced  |<- in memory ->|
 *
 *	segment_log_init(l, env, counters, &options);
 *	every step:  r = segment_log_step(l);                   opening, writing, syncing, deleting: carries all of it on
 *		     if (!segment_log_is_open(l)) ...           not yet: nothing else may be called
 *	append:      bytes = segment_log_reserve(l, most);      NULL: no room at the moment, or the log is full
 *		     n = ... at most `most` bytes ...
 *		     end = segment_log_put(l, n);               the entry is the log's; it ends there
 *	sync:        segment_log_sync(l);  ... l->durable >= end
 *	read:        segment_log_next(l, &entry) == 1           in order, from options.from on; the bytes live until the next call
 *	trim:        segment_log_trim(l, entry.end)             once an epoch is committed that says so
 *
 * Positions (segment_format.h) are 64 bits and only grow; what is committed with an epoch is the position behind the last entry
 * that is done with. An entry is read when it has been written, or, with `only_durable`, when it is on disk.
 *
 *   at the start     `cuts`: what lies behind known_end is forgotten (a spill, whose sources read it again)
 *                    else: all that was written whole is still there; the last ones that a crash tore are cut off and said
 *   damage           what is whole behind it is read; how much was lost is said and counted, with segment and offset
 *   a full disk      is waited for; reserve() has no room meanwhile
 *   too many files   are waited for, too
 *   a failed sync    is final: -EIO
 *
 * Threads: the owner's. Memory: segment_log_memory(), taken by init(), and some bytes for each segment file.
 * Layer: stages. */
#pragma once

#include "stages/segments/segment_reader.h"
#include "stages/steady_op.h"

#include <limits.h>

struct segment_log_options {
	const char *state_dir; /* where its directory is made, if it is missing */
	const char *name;      /* of that directory: a safe file name */
	uint64_t max_bytes;    /* on disk; at least segment_log_max_bytes_min() */
	size_t payload_max;    /* the longest that is appended */
	uint64_t from;         /* what lies before it is not needed any more */
	uint64_t known_end;    /* what lies before it was synced, as an epoch says; 0: none does */
	uint64_t salt;         /* of the log, as that epoch says; 0: none does */
	bool cuts;             /* forget what lies behind known_end */
	bool only_durable;     /* read what has been synced, nothing else */
};

struct segment {
	uint64_t base, length; /* of all that was put there */
};

/* What is appended gathers in one while the other is written. */
struct segment_buffer {
	uint8_t *bytes;
	size_t length;
	uint64_t base;       /* of the segment */
	bool begins_segment; /* whose head comes first */
};

enum segment_log_state {
	SEGMENTS_ABOVE,      /* state_dir is opened */
	SEGMENTS_MAKE,       /* our directory is made there, */
	SEGMENTS_SYNC_ABOVE, /* durably, */
	SEGMENTS_DIRECTORY,  /* and opened */
	SEGMENTS_LIST,
	SEGMENTS_STAT,      /* each file: how long it is */
	SEGMENTS_REMOVE,    /* those that are not needed */
	SEGMENTS_HEAD_OPEN, /* the newest one that has a head */
	SEGMENTS_HEAD_READ,
	SEGMENTS_LAST_OPEN,
	SEGMENTS_SCAN, /* of the newest: where it ends */
	SEGMENTS_CUT,
	/* What no epoch says is on disk is written over with itself: a sync of it may have failed, after which the kernel takes
	 * what it has in its cache for written. */
	SEGMENTS_RENEW_READ,
	SEGMENTS_RENEW_WRITE,
	SEGMENTS_SYNC_LAST,   /* who wrote it may have been killed before that */
	SEGMENTS_REMOVE_LAST, /* there is nothing in it */
	SEGMENTS_SYNC_NAMES,
	SEGMENTS_OPEN,
	SEGMENTS_STATES,
};

enum segment_writing {
	WRITING_NOTHING,
	WRITING_ROLL, /* the segment before becomes durable first */
	WRITING_CREATE,
	WRITING_BYTES,
};

enum segment_syncing { SYNCING_NOTHING, SYNCING_DATA, SYNCING_DIRECTORY };

struct segment_entry {
	uint64_t position, end; /* in the log */
	const uint8_t *bytes;   /* the payload; until the next segment_log_next() */
	size_t length;
};

struct segment_log {
	/* For who uses it, to be read only. */
	uint64_t end;     /* of what was put */
	uint64_t written; /* of what is in files */
	uint64_t durable; /* of what is on disk */
	uint64_t read;    /* behind the last entry that was read, or skipped by then */
	uint64_t bytes;   /* on disk, or on their way there */
	uint64_t damages; /* stretches that could not be read */
	uint64_t damaged_bytes;
	uint64_t torn_bytes; /* cut off at the start */
	uint64_t salt; /* to be remembered with a position: who knows it can do without heads */

	/* within */
	struct env *env;
	struct space_wait space, files; /* files: that segments are opened to be read */
	struct segment_log_options options;
	char path[PATH_MAX]; /* for messages */
	uint64_t segment_bytes;
	enum segment_log_state state;
	int failed;
	int above, directory;
	struct steady_op opening;
	struct io_listing listing;
	struct io_status status;
	size_t at; /* the segment that the opening is about */
	size_t head_read;
	uint64_t renewed; /* of the newest segment, up to there */
	size_t to_renew;  /* bytes of it, in buffers[0] */
	uint64_t torn_at;
	bool is_torn, has_head, has_begun;

	struct segment *segments; /* by base */
	size_t segment_count, segment_room;
	uint64_t counted_from; /* position; 0: all that there is */

	struct segment_buffer buffers[2];
	size_t buffer_room;
	unsigned filling;
	size_t reserved; /* 0: nothing is */
	bool reserved_rolls;
	bool has_tail; /* the last segment may be appended to */

	enum segment_writing writing;
	struct steady_op write;
	struct iovec span;
	int fd;        /* of the segment that is written; -1: none */
	bool is_named; /* its name is on disk */
	enum segment_syncing syncing;
	struct steady_op sync;
	uint64_t sync_wanted, sync_covers;
	struct io_op bringing; /* IO_WRITE_BACK */
	uint64_t brought;

	struct segment_reader reader;
	struct steady_op read_open;
	int read_fd;
	uint64_t read_base; /* of the segment that is open for reading */
	bool opens_next;
	uint64_t skip_to;

	uint64_t trim_to;
	struct io_op trimming;
	char trimmed[SEGMENT_NAME_MAX], created[SEGMENT_NAME_MAX], opened[SEGMENT_NAME_MAX];
};

/* In bytes. */
size_t segment_log_memory(size_t payload_max);
uint64_t segment_log_max_bytes_min(size_t payload_max);

/* The strings of the options, env and counters outlive it. 0, -ENOMEM or -ENAMETOOLONG; segment_log_release() in any case. */
int segment_log_init(struct segment_log *l, struct env *env, struct stage_counters *counters,
		     const struct segment_log_options *options);

/* Not while it is busy. */
void segment_log_release(struct segment_log *l);

/* STEP_MORE; STEP_WAIT; or -errno, for good, having said why. */
int segment_log_step(struct segment_log *l);

/* An operation is under way, save those that nobody waits for. */
bool segment_log_is_busy(const struct segment_log *l);

static inline bool segment_log_is_open(const struct segment_log *l)
{
	return l->state == SEGMENTS_OPEN;
}

/* Room for a payload of up to so many bytes, until put() or the next reserve(). NULL: what was put before has to be written, or
 * segment_log_is_full(). */
uint8_t *segment_log_reserve(struct segment_log *l, size_t length);

/* So many of them are an entry. Where it ends: its number. */
uint64_t segment_log_put(struct segment_log *l, size_t length);

/* There is no room for a payload of that length before something has been trimmed. */
bool segment_log_is_full(const struct segment_log *l, size_t length);

/* From now on what stands before the position does not count for that, though it cannot be trimmed yet: what is put is to let it be
 * trimmed. So there may be more than max_bytes on disk meanwhile. */
void segment_log_count_from(struct segment_log *l, uint64_t position);

/* What was put up to now is to be made durable; and what is put while that goes on, with the sync after it. */
void segment_log_sync(struct segment_log *l);

/* 1 and the next entry; 0: there is none at the moment; -EMSGSIZE: it is longer than payload_max, said; or -errno, said. Submits what
 * it needs for the next. */
int segment_log_next(struct segment_log *l, struct segment_entry *ret_entry);

/* What is read next is what stands there; not while an operation of the reader's is under way. */
void segment_log_read_from(struct segment_log *l, uint64_t position);

/* Nothing more will be read: what is deleted from then on is gone from the disk, too. */
void segment_log_end_reading(struct segment_log *l);

/* What lies before the end of that entry is not to be read. */
void segment_log_skip(struct segment_log *l, uint64_t position);

/* All that can be read now has been. */
bool segment_log_is_drained(const struct segment_log *l);

/* What lies before the position is not needed any more: whole segments are deleted. */
void segment_log_trim(struct segment_log *l, uint64_t position);
