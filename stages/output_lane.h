/* output_lane.h - one file that an output has open, and what is on its way into it.
 *
 *   parts of batches -+-> gather -------+-> write_queue -> output_file
 *                     +-> zstd_frames --+
 *
 *   free --a record for its path--> opening --> open --change--> closing --> free, or opening again while something is left for it
 *
 * A file is finished when it would pass its size, when its interval is over, when nothing has come for a while, when somebody
 * else has moved, deleted or cut it (stages/output_watch.h), or when the lane is wanted for another file. Then what it is to hold is
 * written, it is renamed if it is to be, and closed. Between two zstd frames compression goes on meanwhile.
 *
 * A FIFO's file is finished too when its reader goes away: what that one has not read is given to the next, from the
 * beginning of a record or zstd frame, so that every record is read whole at least once.
 *
 * One lane of an output at a time opens or closes its file, as all of them note what they do in one journal: who may is told by
 * file_output_is_door_free().
 *
 * Threads: the owner's. Memory: all taken by output_lane_init(). Layer: stages. */
#pragma once

#include "stages/batch_tally.h"
#include "stages/codec/zstd_frames.h"
#include "stages/gather.h"
#include "stages/hash_index.h"
#include "stages/output_file.h"
#include "stages/output_watch.h"

struct file_output;
struct file_output_options;

enum file_change {
	CHANGE_NONE,
	CHANGE_CLOSE,  /* once all that was put is written */
	CHANGE_ROTATE, /* the same, and rename */
	CHANGE_LEAVE, /* as CLOSE, but what was committed of the file need not hold: somebody else had to do with it */
	CHANGE_REOPEN, /* a FIFO's reader went away: go on with the next one */
};

struct output_lane {
	struct hash_node node; /* by path, where several lanes have one; must stand first */
	struct file_output *output;
	size_t number;
	bool zstd;
	struct write_queue queue;
	struct gather gather;      /* unless zstd */
	struct zstd_frames frames; /* if it is */
	struct output_file file;
	struct output_watch watch;
	char path[PATH_MAX]; /* of its file; "": it has had none yet */
	enum file_change change;
	bool looked;  /* at the file that is open, for the cut or the end at hand */
	bool was_cut; /* LEAVE: to left_length */
	bool left;    /* and closed; the next one is opened when that is settled */
	uint64_t left_length;
	uint64_t
	    reopen_after; /* files settled: then none of those that are left has the path of one to be opened */
	int64_t period;        /* rotate_interval: which one the file belongs to */
	uint64_t used;         /* counted up over all lanes: when something was put last */
	uint64_t put_ns;       /* monotonic: likewise */
	uint64_t unflushed_ns; /* of what is held back, the first */
	struct stored stored;
	struct part_queue parts; /* put and not stored yet */
};

/* What one takes, in bytes. */
size_t output_lane_footprint(const struct file_output_options *options);

/* 0, -ENOMEM or -EINVAL; output_lane_release() in any case. */
int output_lane_init(struct output_lane *l, struct file_output *f, size_t number);

/* Frees the batches that are held. No operation may point into them. Twice does no harm. */
void output_lane_let_go(struct output_lane *l);

/* No operation may be under way. */
void output_lane_release(struct output_lane *l);

static inline bool output_lane_is_open(const struct output_lane *l)
{
	return l->queue.fd >= 0;
}

/* True if all that was put is written. */
bool output_lane_is_empty(const struct output_lane *l);

/* The same, but for the end of a frame that may still take more. */
bool output_lane_is_settled(const struct output_lane *l);

/* The file's length when all is written that it can be told of now. */
uint64_t output_lane_length(const struct output_lane *l);

/* True if its file is neither being opened nor closed. Who waits for a FIFO's reader does neither for now. */
bool output_lane_is_steady(const struct output_lane *l);

/* True if nothing is in it and it has no file open. */
bool output_lane_is_free(const struct output_lane *l);

/* True if a new interval has begun for a file that has something in it. moment: since 1970. */
bool output_lane_is_outdated(struct output_lane *l, int64_t moment);

/* Until when, monotonic, a step has nothing to do unless something is put; 0: it may have. */
uint64_t output_lane_rests_until(const struct output_lane *l);

/* The steps of a step, each STEP_MORE, STEP_WAIT or -errno, having said why: opens and closes the file; writes; looks what others
 * do with it; begins to close it, if it is to be. */
int output_lane_step_file(struct output_lane *l);
int output_lane_write(struct output_lane *l);
int output_lane_watch(struct output_lane *l);
int output_lane_change(struct output_lane *l);

/* For a cut, or the end: all is written, and no more will be before STEP_DONE. */
int output_lane_look(struct output_lane *l);

/* All is written: closes the file for good. STEP_DONE when that is done. */
int output_lane_end(struct output_lane *l);

/* Something failed and was said: closes the file. STEP_DONE when it is closed. */
int output_lane_give_up(struct output_lane *l);
