/* file_output.h - batches in, files out: which file a record belongs to, when a file is finished, what is stored.
 *
 *   put -> current batch -+-> gather -------+-> write_queue -> output_file
 *                         +-> zstd_frames --+
 *
 * Where fields name the file, each batch is put group by group (stages/path_groups.h), and a file is finished when a record of another
 * one follows.
 *
 * A file is finished when the time gives another path, when it would pass its size, when its interval is over, or
 * when nothing has come for a while. Then what it is to hold is written, it is renamed if it is to be, and closed;
 * the next record opens the next one. Between two zstd frames compression goes on meanwhile.
 *
 * A FIFO's file is finished too when its reader goes away: what that one has not read is given to the next, from the
 * beginning of a record or zstd frame, so that every record is read whole at least once.
 *
 * A file that somebody else has moved away, deleted or cut is left at the next cut, or within seconds when nothing is
 * written (stages/output_watch.h), and another one begun at its path, or the same behind what is left of it.
 *
 * Finished files are deleted when they are older than `keep` (stages/output_keep.h), and no earlier than nothing that is
 * committed or not yet so has to do with them any more.
 *
 * With a memory it is exact over crashes (stages/output_epochs.h): it recovers before it opens anything, and compressed data
 * is flushed at cuts rather than when input is dry.
 *
 * Threads: the owner's. Memory: all taken by file_output_init(), save what a recovery takes. Layer: stages. */
#pragma once

#include "stages/codec/zstd_frames.h"
#include "stages/gather.h"
#include "stages/output_epochs.h"
#include "stages/output_file.h"
#include "stages/output_keep.h"
#include "stages/output_watch.h"
#include "stages/path_groups.h"

struct file_output_options {
	const struct path_template *template; /* outlives the output */
	struct path_groups
	    *groups; /* likewise; NULL: the time at which they are read names the file of records */
	struct delimiter delimiter;
	bool zstd;
	int level;
	unsigned workers;
	uint64_t rotate_size, rotate_interval_ns, rotate_idle_ns, keep_ns; /* 0: not */
	struct output_memory memory;
};

/* What the one that puts knows of what will come. */
enum feed {
	FEED_MORE,  /* there is more now */
	FEED_DRY,   /* not at the moment */
	FEED_ENDED, /* never again: all is to be stored */
};

enum file_change {
	CHANGE_NONE,
	CHANGE_CLOSE,  /* once all that was put is written */
	CHANGE_ROTATE, /* the same, and rename */
	CHANGE_LEAVE, /* as CLOSE, but what was committed of the file need not hold: somebody else had to do with it */
	CHANGE_REOPEN, /* a FIFO's reader went away: go on with the next one */
};

struct file_output {
	struct env *env;
	struct stage_counters *counters;
	struct file_output_options options;
	struct space_wait space;
	struct write_queue queue;
	struct gather gather;      /* unless options.zstd */
	struct zstd_frames frames; /* if it is */
	struct output_file file;
	struct output_epochs epochs;
	struct output_keep keep;
	struct output_watch watch;
	bool looked;  /* at the file that is open, for the cut or the end at hand */
	bool was_cut; /* LEAVE: to left_length */
	bool left;    /* and closed; the next one is opened when that is settled */
	uint64_t left_length;
	enum feed feed;
	enum file_change change;
	bool opened;  /* at least once */
	bool closing; /* for good */
	bool ended;   /* and closed */
	bool cutting; /* all that was put is to be written */
	uint64_t
	    reopen_after; /* files settled: then none of those that are left has the path of one to be opened */
	int failed;

	struct batch *current;
	uint32_t cursor;               /* its first record not put yet */
	uint32_t group_end;            /* groups: those before it belong to the file that is open */
	int64_t moment_ns;             /* since 1970: of what was put last; names the file */
	int64_t period;                /* rotate_interval: which one the file belongs to */
	int64_t named_second;          /* next_path is the template's at that one */
	char next_path[PATH_MAX];      /* groups: of what was put last */
	uint64_t put_ns, unflushed_ns; /* monotonic: the last put, the first since a flush */
	struct stored stored;
	size_t done;
};

size_t file_output_footprint(bool zstd, int level, unsigned workers);

/* 0, -ENOMEM, -EINVAL; with a memory also -ENAMETOOLONG, or -EBADMSG when that is damaged. */
int file_output_init(struct file_output *f, const struct file_output_options *options,
		     struct env *env, struct stage_counters *counters);

/* No operation may be under way. Batches not stored are freed. */
void file_output_release(struct file_output *f);

static inline bool file_output_has_room(const struct file_output *f)
{
	return f->current == NULL;
}

/* Takes the batch over; clears the caller's pointer. Needs room. */
void file_output_put(struct file_output *f, struct batch **b);

/* Goes on with everything. STEP_MORE if something came of it, STEP_WAIT if not, or -errno, having said why. */
int file_output_step(struct file_output *f, enum feed feed);

/* How many batches have been stored since this was last asked. */
size_t file_output_take_done(struct file_output *f);

/* Steps with FEED_ENDED, and when all is stored closes the file: STEP_DONE when that is done. */
int file_output_finish(struct file_output *f);

/* With a memory. Steps with everything put to be written, and then notes how far that is: STEP_DONE. */
int file_output_cut(struct file_output *f, uint64_t epoch);

/* With a memory, beside file_output_step() after a cut, or after file_output_finish(): STEP_DONE when all of that is durable
 * and what is to be remembered is in d. */
int file_output_sync(struct file_output *f, struct delta *d);

/* It failed, or will: frees all batches. STEP_WAIT while operations point into them, then STEP_DONE; only release may
 * follow. */
int file_output_let_go(struct file_output *f);

/* With a memory. */
void file_output_committed(struct file_output *f, uint64_t epoch);
