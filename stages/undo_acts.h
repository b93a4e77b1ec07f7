/* undo_acts.h - what is to be undone of what a sink has done: the live entries of its undo journal's files, in order.
 *
 *   undo-NAME.0, undo-NAME.1  --add-->  [ oldest ... newest ]      undone from the newest on
 *
 * Entries of committed epochs mean nothing and are left out; what a created file has become is noted in its own entry. An
 * entry that does not hold together is one that was torn, unless one that does and is to be undone follows: that is damage.
 *
 * Threads: any. Memory: the entries, until undo_acts_release(); their strings are the contents'. Layer: stages. */
#pragma once

#include "stages/output_mark.h"
#include "stages/undo_journal.h"

struct undo_acts {
	uint64_t epoch;             /* the committed one */
	uint64_t known;             /* the epoch of the newest mark that is committed */
	struct undo_entry *entries; /* the oldest first */
	size_t count, capacity;
	size_t whole[UNDO_FILES]; /* how much of each file holds together */
};

/* known: UINT64_MAX where that does not matter. */
void undo_acts_init(struct undo_acts *a, uint64_t epoch, uint64_t known);

/* Adds what file number `file` holds; each once, number 0 first. The content outlives a. 0; -EBADMSG: it is damaged;
 * -ESTALE: it knows of a newer mark than those that are committed; -ENOMEM. */
int undo_acts_add(struct undo_acts *a, unsigned file, struct packed content);

/* The entry that says that others had to do with that file; NULL: none does. */
const struct undo_entry *undo_acts_left(const struct undo_acts *a, uint64_t inode);

/* True if a mark or one of the `count` oldest entries, which are undone later, brings that file back further. */
bool undo_acts_come_again(const struct undo_acts *a, size_t count, const struct output_marks *marks,
			  uint64_t inode);

void undo_acts_release(struct undo_acts *a);
