/* file_output.h - batches in, files out: which file a record belongs to, when it is opened and finished, what is stored.
 *
 *                               +-> lane 0: web.log
 *   put -> current batch -------+-> lane 1: db.log           a file that is open each (stages/output_lane.h)
 *          (by path, a group    +-> lane 2
 *           after the other)
 *
 * Where nothing but time names the file, there is one lane, and a file is finished when the time gives another path. Where records
 * name it (stages/path_groups.h) there are as many as files may be open; when all have one and a record is for another, the one is
 * finished that nothing has been put into for longest. A batch is stored when all of its parts are.
 *
 * Finished files are deleted when they are older than `keep` (stages/output_keep.h), and no earlier than nothing that is
 * committed or not yet so has to do with them any more.
 *
 * With a memory it is exact over crashes (stages/output_epochs.h): it recovers before it opens anything, and compressed data
 * is flushed at cuts rather than when input is dry.
 *
 * Threads: the owner's. Memory: all taken by file_output_init(), save what a recovery takes. Layer: stages. */
#pragma once

#include "stages/output_epochs.h"
#include "stages/output_keep.h"
#include "stages/output_lane.h"
#include "stages/path_groups.h"

struct file_output_options {
	const struct path_template *template; /* outlives the output */
	struct path_groups
	    *groups; /* likewise; NULL: the time at which they are read names the file of records */
	size_t lanes; /* files open at a time, OUTPUT_LANES_MAX at most; without groups 1 */
	struct delimiter delimiter;
	bool zstd;
	int level;
	unsigned workers;                                                  /* for each file */
	uint64_t rotate_size, rotate_interval_ns, rotate_idle_ns, keep_ns; /* 0: not */
	struct output_memory memory;
};

/* What the one that puts knows of what will come. */
enum feed {
	FEED_MORE,  /* there is more now */
	FEED_DRY,   /* not at the moment */
	FEED_ENDED, /* never again: all is to be stored */
};

struct file_output {
	struct env *env;
	struct stage_counters *counters;
	struct file_output_options options;
	struct space_wait space;
	struct output_epochs epochs;
	struct output_keep keep;
	struct output_ends ends;
	struct output_lane *lanes;
	size_t lane_count;         /* that are initialized */
	size_t lanes_used;         /* the others never had a file */
	struct hash_index by_path; /* the lanes that had one; groups */
	const struct output_lane
	    *door; /* the one that opened or closed its file last; NULL: none has */
	/* For each lane: it need not be stepped before that, monotonic, unless it is put into. */
	uint64_t *rests;
	enum feed feed;
	bool opened;  /* at least once */
	bool closing; /* for good */
	bool ended;   /* and closed */
	bool cutting; /* all that was put is to be written */
	int failed;

	struct batch *current;
	uint32_t cursor; /* its first record not put yet */
	/* Where the records from there on go, up to group_end, first group_begin; NULL: that is to be found. */
	struct output_lane *target;
	uint32_t group_begin, group_end;
	uint64_t puts;
	int64_t moment_ns;        /* since 1970: of what was put last; names the file */
	int64_t named_second;     /* next_path is the template's at that one */
	char next_path[PATH_MAX]; /* of what is to be put next */
	struct batch_tally tally;
};

/* What it takes, in bytes; of the options all but what they point to. */
size_t file_output_footprint(const struct file_output_options *options);

/* 0, -ENOMEM, -EINVAL; with a memory also -ENAMETOOLONG, or -EBADMSG when that is damaged; file_output_release() in any case. */
int file_output_init(struct file_output *f, const struct file_output_options *options,
		     struct env *env, struct stage_counters *counters);

/* No operation may be under way. Batches not stored are freed. */
void file_output_release(struct file_output *f);

static inline bool file_output_has_room(const struct file_output *f)
{
	return !f->current && batch_tally_has_room(&f->tally);
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

/* ---- for its lanes ---- */

/* True if the current batch is to go on in that lane, whose file is to be open then. */
bool file_output_wants(const struct file_output *f, const struct output_lane *l);

/* True if no lane is opening or closing a file. */
bool file_output_is_door_free(const struct file_output *f);
