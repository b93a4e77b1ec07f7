/* file_position.h - one file's position, and its bytes in a snapshot.
 *
 *   key:   device, inode, birth time
 *   value: path, form, at, skip, where in a line it is, the samples of file_identity.h, when it was last seen, boot,
 *          how much lies before `at` once it is unpacked (states of old do not say)
 *
 * Threads: the owner's. Memory: about 300 bytes, and its path while it is parked. Layer: stages. */
#pragma once

#include "stages/packer.h"
#include "stages/source/file_identity.h"
#include "stages/source/file_set.h"

struct file_position {
	struct hash_node by_inode, by_path;
	struct chain changed; /* since the last snapshot */
	struct chain parked;  /* or lost, or a stray */
	/* Or said: there is nothing left to be read of it, and that is, or will be, committed. */
	struct chain stored;
	int64_t stored_ns;         /* wall time at which it was said */
	struct tracked_file *file; /* ATTACHED; else NULL */

	uint64_t device, inode;
	int64_t birth_ns; /* 0: not known */
	struct file_head head;
	struct file_tail tail;
	bool doubted;    /* it may have been written anew since it was last read, or be another */
	int64_t seen_ns; /* wall time at which it was noted last; of what is missing: since when */

	uint64_t
	    boot; /* the start of the machine under which it was surely that long; 0: not known */

	bool is_known; /* to whoever keeps the snapshots */
	bool is_new;   /* its file was first met in this run */
	bool over;
	bool finished; /* there was nothing left to read */
	bool
	    astray; /* it was not open when its path led elsewhere: who knows what has been written to it since */
	bool
	    lingers; /* deleted, but the directory is not known to be on disk without it: not to be forgotten */
	bool named;   /* the patterns wanted its path when it was noted last */
	bool missing; /* could not be found at the start, which has been said */

	/* The same as in the tracked_file, which is right while there is one. */
	char *path; /* NULL: was never parked */
	struct file_place place;
};

/* Both append to `to`; want of memory is in to->error. */
void file_position_pack_key(struct packer *to, const struct file_position *n);
void file_position_pack(struct packer *to, const struct file_position *n);
/* All but the key; the path is the caller's. 0, -ENOMEM, or -EBADMSG: these bytes are not from here. */
int file_position_unpack(struct file_position *n, struct packed from, char **ret_path);

/* How long the file has to be, at the least. */
uint64_t file_position_end(const struct file_position *n);
/* Takes over what the file that has it knows better, if there is one. */
void file_position_update(struct file_position *n, int64_t wall_ns);
