/* undo_entry.h - what a sink was about to do to its files, so that it can be undone: one entry of an undo journal.
 *
 *   length of the body, u64 | body: kind, epoch, known, path, to, inode, length, [birth, [public]] | XXH3 of all before, u64
 *
 * An entry is on disk before its act. So one that is torn stands for an act that did not happen, and can only be the last.
 *
 * Threads: any. Memory: the callers'; what was read points into the bytes it was read from. Layer: stages. */
#pragma once

#include "stages/packer.h"

enum undo_kind {
	UNDO_CREATED = 1,  /* path is made; its inode is not known yet: 0 */
	UNDO_MADE = 2,     /* path, created just before, is that inode, and still empty */
	UNDO_APPENDED = 3, /* path, that inode, is written behind its length */
	UNDO_RENAMED = 4,  /* path, that inode, becomes `to` */
	/* path, that inode, is left: somebody else has moved, deleted or cut it. It was that long then, and what is committed
	 * of it need not hold any more. */
	UNDO_LEFT = 5,
};

/* The two strings end with a NUL where they are read from. */
struct undo_entry {
	enum undo_kind kind;
	uint64_t epoch; /* that the act belongs to */
	uint64_t known; /* the epoch of the newest mark that was known to be committed by then */
	const char *path;
	const char *to; /* RENAMED; else "" */
	uint64_t inode, length;
	int64_t birth_ns; /* of that inode, which may be another file's one day; 0: not known */
	bool is_public;   /* the paths were no secret; false: or that is not known */
};

void undo_entry_pack(struct packer *p, const struct undo_entry *e);

/* The next entry; false, and broken, when what comes is none. */
bool undo_entry_unpack(struct packed *p, struct undo_entry *ret_entry);

/* Has `take` take every entry of a journal's file, and *ret_whole say how far it is whole. epoch: the committed one. 0; what
 * take() returned if that is negative; -EBADMSG: behind what is no entry comes one that would have to be undone. */
int undo_entries_walk(struct packed content, uint64_t epoch,
		      int (*take)(void *to, const struct undo_entry *e), void *to,
		      size_t *ret_whole);
