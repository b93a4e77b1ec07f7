/* file_set.h - the files that a file source knows: by name, by identity, and by whose turn it is.
 *
 *   by path:  "/var/log/a.log" -> file        a name stands for one file at a time
 *   by id:    device + inode   -> file        a file keeps its identity through renames
 *
 *                  something to read                 turn
 *     RESTING ----------------------> READY (queue) -----> CURRENT --+
 *      |  ^                             ^                   |  |     |  nothing to read for now, or
 *      |  +-----------------------------|-------------------+  |     |  cannot be read (stuck)
 *      |         (and in `idle`,        +----------------------+     v
 *      |          if open and named)      others wait too          ended: removed
 *      +-> adrift: has lost its name (renamed away, deleted): read on until it is quiet or gone
 *
 * What is remembered of a file beyond the set is told of every new name (file_positions.h).
 *
 * Threads: the owner's. Memory: about 300 bytes a file and its path, taken as files are found. Layer: stages. */
#pragma once

#include "stages/chain.h"
#include "stages/hash_index.h"
#include "stages/io.h"
#include "stages/file_origin.h"
#include "stages/source/file_place.h"

/* How long a file that has lost its name must give nothing new before it is given up. */
#define FILE_QUIET_NS (60 * UINT64_C(1000000000))

struct file_position; /* file_positions.h */
struct file_positions;

enum file_turn { FILE_RESTING, FILE_READY, FILE_CURRENT };

struct tracked_file {
	struct hash_node by_path, by_id;
	struct chain all;
	struct chain turn_link; /* in ready or idle */
	struct chain adrift;
	struct chain unfinished; /* a record of several lines is open (file_reader.h) */

	char *path; /* the last one known */
	uint64_t device, inode;
	int64_t birth_ns;           /* 0: not known */
	int64_t modified_ns;        /* when it was met */
	int fd;                     /* -1: closed */
	struct file_origin *origin; /* as it was opened last, held; NULL: it was not yet */
	struct file_place place;
	enum file_turn turn;
	bool named; /* a name that the patterns match leads to it */
	bool stuck; /* damaged: not tried again as it is; or unreadable (said): for a while */
	bool
	    said; /* the operator has been told that it is unreadable, and nothing was read since */
	bool again;     /* changed while it was CURRENT */
	bool was_open;  /* counted */
	bool had_bytes; /* streams: somebody has written */
	bool is_pipe;
	bool said_damaged;
	bool said_waiting; /* pipes: the operator has been told that nobody writes to it */

	uint64_t end;  /* offset at which reading last came to the end */
	uint64_t size; /* how much of it work_total holds */
	uint64_t done; /* how much of it work_done holds */
	uint64_t
	    limit; /* nothing from here on is read; 0: it was empty when opened; UINT64_MAX: none */
	uint8_t *kept; /* streams: a line's beginning, while another file has its turn */
	size_t kept_length;
	uint64_t retry_ns,
	    retry_pause_ns; /* unreadable: when it is tried again, and how long that was put off */
	uint64_t quiet_at_ns; /* adrift: nothing new by then, and it is given up */
	/* Of what is unfinished: when it is handed on as it is, if nothing comes to the file, which is so long. */
	uint64_t finished_at_ns, unfinished_end;
	bool gone;                      /* no name leads to it any more, anywhere */
	struct file_position *position; /* what is remembered of it; NULL: nothing is */
};

struct file_set {
	struct hash_index by_path, by_id;
	struct chain all;    /* in the order in which they are to be looked at */
	struct chain ready;  /* FIFO */
	struct chain idle;   /* RESTING, open and named; longest first */
	struct chain adrift; /* longest first */
	size_t count, open_count;
	struct file_positions *positions; /* NULL: nothing is remembered */
	struct tracked_file
	    *moved; /* for whoever follows renames: cleared when that file is removed */
};

/* 0 or -ENOMEM. */
int file_set_init(struct file_set *s);
/* Every file must have been removed. */
void file_set_release(struct file_set *s);

/* A new file, RESTING, named, closed, at its beginning. NULL: out of memory. */
struct tracked_file *file_set_add(struct file_set *s, const char *path, const struct io_status *st);
/* fd must be -1. */
void file_set_remove(struct file_set *s, struct tracked_file *f);

struct tracked_file *file_set_by_path(const struct file_set *s, const char *path);
struct tracked_file *file_set_by_id(const struct file_set *s, uint64_t device, uint64_t inode);

/* path now leads to f, and to no other file of the set; named: the patterns match it. 0 or -ENOMEM. */
int file_set_rename(struct file_set *s, struct tracked_file *f, const char *path, bool named);
/* No known path leads to f any more. */
void file_set_unname(struct file_set *s, struct tracked_file *f);
/* Its path turned out to lead to another inode, which no other file of the set has. */
void file_set_reidentify(struct file_set *s, struct tracked_file *f, const struct io_status *st);

/* There may be something to read. A stuck file stays where it is. */
void file_set_ready(struct file_set *s, struct tracked_file *f);
/* The first of those READY, now CURRENT; NULL. */
struct tracked_file *file_set_take_ready(struct file_set *s);
void file_set_rest(struct file_set *s, struct tracked_file *f);

/* f was opened as fd / is about to be closed: the descriptor, which the caller closes. */
void file_set_opened(struct file_set *s, struct tracked_file *f, int fd);
int file_set_closed(struct file_set *s, struct tracked_file *f);
/* The open file that nothing has been read from for longest and that can be opened again; NULL. */
struct tracked_file *file_set_most_idle(const struct file_set *s);

/* By age: those that have been read before; the oldest first, by birth or, where that is not known, by when it was
 * modified. What is equal: by path. */
enum file_order { FILES_BY_PATH, FILES_BY_AGE };

/* All files to the ready queue, in that order; those adrift, being older, before the others. 0 or -ENOMEM. */
int file_set_ready_in_order(struct file_set *s, enum file_order order);
