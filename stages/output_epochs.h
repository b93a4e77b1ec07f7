/* output_epochs.h - a file output's memory from epoch to epoch: recovers from it, marks how far it has come at a cut, makes
 * that durable while writing goes on, and notes what may have to be undone.
 *
 *   recover --> [ ... writing ... cut N: the mark is made ... writing goes on, N+1 ... ]
 *                                  DATA --> NAME --> SETTLING --> SYNCED --put--> NONE        N committed: the journal of N is emptied
 *
 *   DATA      the open file's bytes          SETTLING   files that were finished before the cut
 *   NAME      the directory it lies in       SYNCED     the mark may be remembered
 *
 * Threads: the owner's. Memory: the journal's one entry; a recovery's, until it is through. Layer: stages. */
#pragma once

#include "stages/output_file.h"
#include "stages/output_recovery.h"

/* All of it outlives the output. */
struct output_memory {
	const char *state_dir;     /* NULL: there is none */
	const char *sink;          /* its id */
	uint64_t epoch;            /* of the newest record; 0: none */
	const struct delta *saved; /* valid while it is begun */
};

enum output_sync {
	OUTPUT_SYNC_NONE,
	OUTPUT_SYNC_DATA,
	OUTPUT_SYNC_NAME,
	OUTPUT_SYNC_SETTLING,
	OUTPUT_SYNC_SYNCED,
};

struct output_epochs {
	bool on; /* if not, none of the rest is used */
	struct env *env;
	struct undo_journal journal;
	struct output_settling settling;
	struct output_recovery recovery;
	bool recovered;
	struct output_end restored; /* recovered: the file that was brought back */
	struct output_mark mark;    /* as of the last cut */
	struct output_mark told;    /* what was put last, or saved */
	uint64_t
	    committed_inode; /* of the newest mark that is committed; 0: it says that no file was open */
	bool acted;          /* there are entries in the journal that only a mark makes void */
	bool ended;

	enum output_sync sync;
	struct steady_op op;
	int holder;          /* NAME: what is to be synced; -1: nothing */
	uint64_t settled_by; /* SETTLING: how many files have to be */
	int failed;
};

/* 0, -ENOMEM, -ENAMETOOLONG, or -EBADMSG; output_epochs_release() in any case. */
int output_epochs_init(struct output_epochs *e, struct env *env, struct stage_counters *counters,
		       struct space_wait *space, const struct output_memory *memory);

/* No operation may be under way. */
void output_epochs_release(struct output_epochs *e);

/* Before anything is written: STEP_WAIT or STEP_MORE until STEP_DONE; or -errno, having said why. */
int output_epochs_recover(struct output_epochs *e);

static inline bool output_epochs_is_recovered(const struct output_epochs *e)
{
	return !e->on || e->recovered;
}

/* All is written. file: the one that is open, and its length, and how much of that is whole frames; NULL: none is. It stays
 * open while output_epochs_uses_file(). */
void output_epochs_cut(struct output_epochs *e, struct output_file *file, uint64_t length,
		       uint64_t whole, uint64_t epoch);

/* All is written, and file is about to be closed for good. */
void output_epochs_note_end(struct output_epochs *e, const struct output_file *file,
			    uint64_t length);

/* No file is open, and none ever will be. To be asked for once. */
void output_epochs_end(struct output_epochs *e);

/* STEP_WAIT, STEP_MORE, or -EIO, having said why. */
int output_epochs_step(struct output_epochs *e);

static inline bool output_epochs_uses_file(const struct output_epochs *e)
{
	return e->sync == OUTPUT_SYNC_DATA || e->sync == OUTPUT_SYNC_NAME;
}

/* Once all of the cut is durable, puts the mark, if there is anything new. STEP_DONE then; -ENOMEM. */
int output_epochs_put(struct output_epochs *e, struct delta *d);

/* True if a recovery might look for that file: what is committed says something of it, or what is not has done something
 * to it. Once output_epochs_keep_track() was called, before anything was opened. */
bool output_epochs_needs(const struct output_epochs *e, uint64_t inode);

void output_epochs_keep_track(struct output_epochs *e);

void output_epochs_committed(struct output_epochs *e, uint64_t epoch);
