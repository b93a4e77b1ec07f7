/* output_epochs.h - a file output's memory from epoch to epoch: recovers from it, marks how far its files have come at a cut,
 * makes that durable while writing goes on, and notes what may have to be undone.
 *
 *   recover --> [ ... writing ... cut N: the marks are made ... writing goes on, N+1 ... ]
 *                                  FILES --> SETTLING --> SYNCED --put--> NONE              N committed: the journal of N is emptied
 *
 *   FILES     each open file that has changed: its bytes, then for a new one the directory it lies in
 *   SETTLING  files that were finished before the cut
 *   SYNCED    the marks may be remembered
 *
 * There is a mark for each lane, that of the file which it has open. What is remembered are the marks that have changed, so
 * that a record has no more of them than files may be open, and a file that was finished costs nothing from the next cut on.
 *
 * Threads: the owner's. Memory: the journal's one entry, two paths for each lane; a recovery's, until it is through. Layer: stages. */
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

/* One lane's file. */
struct output_sync {
	struct output_file *file; /* as of the last cut; NULL: none was open */
	bool changed;             /* the mark, since it was put */
	bool ended;               /* the mark is the last one */
	/* Of the mark that was put last, and of the newest one that is committed; 0: they say that no file was open. */
	uint64_t told_inode, committed_inode;
	enum {
		OUTPUT_SYNC_DONE,
		OUTPUT_SYNC_DATA,
		OUTPUT_SYNC_NAME, /* the directory it lies in */
	} state;
	struct steady_op op;
	int holder; /* NAME: what is to be synced; -1: nothing */
};

enum output_epochs_state {
	OUTPUT_EPOCHS_NONE,
	OUTPUT_EPOCHS_FILES,
	OUTPUT_EPOCHS_SETTLING,
	OUTPUT_EPOCHS_SYNCED,
};

struct output_epochs {
	bool on; /* if not, none of the rest is used */
	struct env *env;
	struct undo_journal journal;
	struct output_settling settling;
	struct output_recovery recovery;
	bool recovered;
	struct output_marks
	    marks; /* as of the last cut; of a lane each, and maybe of lanes that an earlier run had */
	struct output_sync *lanes; /* for each mark */
	size_t lane_count;         /* of this run */
	uint64_t epoch;            /* of the newest marks */
	uint64_t told_epoch;       /* the same as it was put last, or saved */
	bool acted; /* there are entries in the journal that only a mark makes void */

	enum output_epochs_state state;
	uint64_t settled_by; /* SETTLING: how many files have to be */
	int failed;
};

/* For so many lanes. 0, -ENOMEM, -ENAMETOOLONG, or -EBADMSG; output_epochs_release() in any case. */
int output_epochs_init(struct output_epochs *e, struct env *env, struct stage_counters *counters,
		       struct space_wait *space, const struct output_memory *memory, size_t lanes);

/* What that takes, in bytes. */
size_t output_epochs_footprint(size_t lanes);

/* No operation may be under way. */
void output_epochs_release(struct output_epochs *e);

/* Before anything is written: STEP_WAIT or STEP_MORE until STEP_DONE; or -errno, having said why. From then on `ends` knows
 * the files that were brought back. */
int output_epochs_recover(struct output_epochs *e, struct output_ends *ends);

static inline bool output_epochs_is_recovered(const struct output_epochs *e)
{
	return !e->on || e->recovered;
}

/* All is written. For each lane that has a regular file open: how long it is, and how much of that is whole frames. It stays
 * open while output_epochs_uses_file(). Then output_epochs_cut(). */
void output_epochs_note(struct output_epochs *e, size_t lane, struct output_file *file,
			uint64_t length, uint64_t whole);

/* Lanes that nothing was noted for have no file open. */
void output_epochs_cut(struct output_epochs *e, uint64_t epoch);

/* All is written, and the lane's file is about to be closed for good. */
void output_epochs_note_end(struct output_epochs *e, size_t lane, const struct output_file *file,
			    uint64_t length);

/* No file is open, and none ever will be. To be asked for once. */
void output_epochs_end(struct output_epochs *e);

/* STEP_WAIT, STEP_MORE, or -EIO, having said why. */
int output_epochs_step(struct output_epochs *e);

static inline bool output_epochs_uses_file(const struct output_epochs *e, size_t lane)
{
	return e->on && e->lanes[lane].state != OUTPUT_SYNC_DONE;
}

/* True while an operation is under way. */
bool output_epochs_is_busy(const struct output_epochs *e);

/* Once all of the cut is durable, puts what is new of the marks, if anything is. STEP_DONE then; -ENOMEM. */
int output_epochs_put(struct output_epochs *e, struct delta *d);

/* True if a recovery might look for that file: what is committed says something of it, or what is not has done something
 * to it. Once output_epochs_keep_track() was called, before anything was opened. */
bool output_epochs_needs(const struct output_epochs *e, uint64_t inode);

void output_epochs_keep_track(struct output_epochs *e);

void output_epochs_committed(struct output_epochs *e, uint64_t epoch);
