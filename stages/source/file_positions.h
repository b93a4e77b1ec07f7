/* file_positions.h - how far each file has been read, kept beyond the file_set and, by snapshots, beyond the process.
 *
 *   saved (of an earlier run) --load--> PARKED --a file of that identity is found--> ATTACHED to a tracked_file
 *                                        ^  | \-- no pattern led to it: LOST (file_lost.h) --^   | |
 *                                        |  +-- for too long                    |                | +-- gone, and read
 *                                        |  |        parked again: missing <----+                |       to its end
 *                                        +--|----------- leaves the set -------------------------+            |
 *                                           v                                                                 v
 *                                          OVER: to be forgotten, once that has been said <-------------------+
 *
 * Beside the files, "noted": when the snapshot was made. A file that is older than that and not in there was no file of ours.
 *
 * Only what has changed is in the chain that a snapshot goes through: files that are quiet cost nothing.
 *
 * Threads: the owner's. Memory: that of file_position.h for each file. Layer: stages. */
#pragma once

#include "ringbuf/counter.h"
#include "stages/delta.h"
#include "stages/source/file_position.h"

enum { FILE_DEVICES = 16 };

struct file_positions {
	struct hash_index by_inode, by_path;
	struct chain changed;
	struct chain parked; /* longest first, once it is settled */
	struct chain lost;   /* by path */
	struct chain strays; /* to be lost with the next search */
	bool notes_stored;   /* somebody wants to know of `stored` */
	bool notes_time;     /* each snapshot says when it was made */
	int64_t noted_ns;    /* wall time of the loaded one; 0: it does not say */
	struct chain said;   /* since the last snapshot but one, not known to be committed yet */
	struct chain stored; /* committed, and as they were then */
	struct file_position *at_hand; /* of whoever deletes files; NULL: none, or it is no more */
	bool
	    searching; /* what leads to its file by itself has been attached; the rest is searched for */
	bool settled;                   /* those that are still there have been found */
	uint64_t devices[FILE_DEVICES]; /* on which there are files, in this run */
	size_t device_count;
	uint64_t boot;           /* this start of the machine; 0: not known */
	struct counter *changes; /* of which whoever keeps the snapshots would not know otherwise */
	int64_t keep_ns;         /* what is parked is forgotten after so long */
};

/* 0 or -ENOMEM. */
int file_positions_init(struct file_positions *p, struct counter *changes, int64_t keep_ns);
/* All zero is safe to release. No file may be attached. */
void file_positions_release(struct file_positions *p);

/* All that was remembered. 0, -ENOMEM, or -EBADMSG: these bytes are not from here. */
int file_positions_load(struct file_positions *p, const struct delta *saved);
/* What the last snapshot said is durable. */
void file_positions_committed(struct file_positions *p);
/* What has changed since the last time. 0 or -ENOMEM, and the rest follows the next time. */
int file_positions_snapshot(struct file_positions *p, struct delta *d, int64_t wall_ns);

/* That path led to one of those that were loaded or parked. */
bool file_positions_has_path(const struct file_positions *p, const char *path);
/* f, which has one, is not followed any more, or is another file from now on. path becomes the table's. */
void file_positions_park(struct file_positions *p, struct tracked_file *f, char *path,
			 int64_t wall_ns);
/* All that are to be searched for are LOST: at first those that are parked, later those that went astray. 0 or -ENOMEM. */
int file_positions_lose(struct file_positions *p);
/* It was looked for everywhere, in vain; it is parked. True: that is news. */
bool file_positions_missing(struct file_positions *p, struct file_position *position,
			    int64_t wall_ns);
/* Whether a search is worth while. */
bool file_positions_has_strays(const struct file_positions *p);
/* All files that are there have been found: what is too old may be forgotten from now on. 0 or -ENOMEM. */
int file_positions_settle(struct file_positions *p);
/* The file is gone, and nothing is left to be read of it. Detaches it from its tracked_file, if it has one. */
void file_positions_forget(struct file_positions *p, struct file_position *position);
/* Gives up f's position without a word to anybody. */
void file_positions_drop(struct file_positions *p, struct tracked_file *f);

/* A position of that key, of no file; the table's. NULL: out of memory. */
struct file_position *file_positions_add(struct file_positions *p, uint64_t device, uint64_t inode,
					 int64_t birth_ns);
void file_positions_free(struct file_positions *p, struct file_position *position);
/* path becomes the table's. */
void file_positions_name(struct file_positions *p, struct file_position *position, char *path);
/* Begins a walk over those of that inode, and maybe others: hash_index_next(). */
struct hash_node *file_positions_first(const struct file_positions *p, uint64_t inode);

/* It is p->at_hand from now on. */
void file_positions_take_in_hand(struct file_positions *p, struct file_position *position);

/* Bytes were handed on. */
void file_positions_changed(struct file_positions *p, struct file_position *position);
/* There is nothing left to be read of it, for now. */
void file_positions_finished(struct file_positions *p, struct file_position *position);
/* Something else is different. */
void file_positions_news(struct file_positions *p, struct file_position *position);
/* Its bytes are those that were read, as far as samples tell. */
void file_positions_trust(struct file_positions *p, struct file_position *position);
/* The machine was started again since then: what its writer had not synced may be gone. */
bool file_positions_has_rebooted(const struct file_positions *p,
				 const struct file_position *position);
/* It ends earlier than it was read, and is read on at its end: what was sampled there is gone. */
void file_positions_cut(struct file_positions *p, struct file_position *position);
/* What is read from it from now on has nothing to do with what was read before. */
void file_positions_restart(struct file_positions *p, struct file_position *position);
