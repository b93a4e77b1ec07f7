/* undo_journal.h - a sink's undo journal: notes what is about to be done to its files, durably, before it is done.
 *
 *   state_dir/undo-NAME.0    entries of even epochs      written from the beginning again with each such epoch
 *   state_dir/undo-NAME.1    of odd ones
 *
 *   epoch      | ... N committed ... | cut N+1 | N+2 goes on while N+1 is synced and committed |
 *   entries of   N+1 ----------------------------> emptied when N+1 is committed
 *                                      N+2 ------------------------------------------------->
 *
 * Two epochs at most are not committed yet, the one that was cut and the one that goes on, so two files are enough, and
 * none grows beyond what one epoch does. An entry of a committed epoch that is still there means nothing.
 *
 *   NOTHING --note--> EMPTYING --> [DIRECTORY --> OPEN] --> WRITE --> SYNC --> [SYNC_DIRECTORY] --> NOTHING
 *
 * A full disk is waited for; a sync that fails is final. What failed has been said.
 *
 * Threads: the owner's. Memory: taken by undo_journal_init(), save the inodes of one epoch's entries, where these are asked
 * for. Layer: stages. */
#pragma once

#include "stages/steady_op.h"
#include "stages/undo_entry.h"

#include <limits.h>

enum { UNDO_FILES = 2 };

enum undo_journal_state {
	UNDO_NOTHING,
	UNDO_EMPTYING, /* what is in the file goes first */
	UNDO_DIRECTORY,
	UNDO_OPEN,
	UNDO_WRITE,
	UNDO_SYNC,
	UNDO_SYNC_DIRECTORY,
	UNDO_STATES,
};

struct undo_file {
	char name[NAME_MAX + 1]; /* in state_dir */
	int fd;                  /* -1: not opened yet */
	bool named;              /* its name is durable */
	uint64_t epoch, length;  /* of what is in it; length 0: nothing */
	struct io_op empty;      /* truncates it */
	uint64_t *inodes;        /* in its entries, if they are kept */
	size_t inode_count, inode_room;
};

struct undo_journal {
	struct env *env;
	struct space_wait space;
	const char *state_dir;
	uint64_t epoch;    /* that what is noted belongs to */
	uint64_t known;    /* the epoch of the newest mark that is committed */
	size_t noted;      /* since the last cut */
	bool keeps_inodes; /* for undo_journal_touches(); set before anything is noted */
	bool is_secret;    /* the paths are not to be shown; set before anything is noted */
	bool lost_inodes;  /* there was no memory for one: any file may be in there */
	enum undo_journal_state state;
	struct undo_file files[UNDO_FILES];
	struct undo_file *current; /* where the entry goes */
	int directory;             /* -1: not opened yet */
	struct packer packer;
	struct iovec span;
	uint64_t at; /* where the span goes */
	struct steady_op op;
	int failed;
};

/* Both outlive it. epoch: the one that goes on. known: see undo_entry.h. 0, -ENOMEM or -ENAMETOOLONG; undo_journal_release() in any case. */
int undo_journal_init(struct undo_journal *j, struct env *env, struct stage_counters *counters,
		      const char *state_dir, const char *sink, uint64_t epoch, uint64_t known);

/* The file of the epoch that goes on holds that much already, which is to stay. Before anything is noted. */
void undo_journal_go_on(struct undo_journal *j, uint64_t length);

/* The name of a sink's file number i in state_dir. 0 or -ENAMETOOLONG. */
int undo_journal_name(const char *sink, unsigned i, char *out, size_t room);

/* Of which sink that file of a state directory is. False: it is no journal. */
bool undo_journal_sink(const char *name, char *out, size_t room);

/* No operation may be under way. */
void undo_journal_release(struct undo_journal *j);

/* Begins to note it, as of the epoch that goes on. The strings are copied. Not while another is being noted. */
void undo_journal_note(struct undo_journal *j, struct undo_entry entry);

/* STEP_WAIT or STEP_MORE until STEP_DONE: noted, durably. Or -errno, for good. */
int undo_journal_step(struct undo_journal *j);

/* What is noted from now on belongs to the epoch after this one. */
void undo_journal_cut(struct undo_journal *j, uint64_t epoch);

/* True if an entry of an epoch that is not committed is of that file. */
bool undo_journal_touches(const struct undo_journal *j, uint64_t inode);

/* Empties what is no longer needed. known: the epoch of our newest mark in there. */
void undo_journal_committed(struct undo_journal *j, uint64_t epoch, uint64_t known);
