/* stage.h - what a stage is: a const table of functions and an option table. For those who write one.
 *
 *   source:    step(stage, out)          reads, frames, emits
 *   transform: apply(stage, batch, out)  edits the batch and emits it, or others, or nothing
 *   sink:      step(stage, in)           takes batches, writes, says when they are stored
 *
 * Nothing in a stage blocks. A step does what can be done now and says whether there is more to do, or that it waits:
 * for an operation it submitted (stages/io.h), a moment it named (env_wake_at), input, a free buffer, or room below.
 * The worker that steps it knows which of these have come about and steps again; a step too many does no harm.
 *
 * Threads: an instance belongs to one worker; all its functions run on that worker's thread. Memory: `state` is the
 * instance's own, made by open() and ended by close(). Layer: stages. */
#pragma once

#include "conf/topology.h"
#include "ringbuf/counter.h"
#include "ringbuf/reasons.h"
#include "stages/env.h"
#include "stages/fields.h"
#include "stages/file_claim.h"
#include "stages/home.h"
#include "stages/policy/call_counters.h"
#include "stages/teller.h"

enum step {
	STEP_WAIT = 0, /* nothing more can be done until something happens */
	STEP_MORE = 1, /* progress was made; step again */
	STEP_DONE =
	    2, /* source: the input has ended; sink: its reader went away and wants no more (a closed pipe) */
	/* transforms: what is kept may not go on before the moment that was named with env_wake_at(), or another step; nothing was
	 * handed on, and until then nothing more is taken in */
	STEP_HOLD = 3,
}; /* below 0: failed, -errno; the stage has said why */

/* Why records did not come out, for the summary and metrics. Filtering is the topology's wish, not a loss. */
enum loss {
	LOSS_LONG_LINE_DROPPED,
	LOSS_LONG_LINE_TRUNCATED, /* counted per line; the line's beginning did come out */
	LOSS_LONG_LINE_SPLIT,     /* counted per line; nothing was lost */
	LOSS_REFUSED,       /* a stage could do nothing with the record, and `on_error` is `drop` */
	LOSS_MULTILINE_CUT, /* counted per cut; nothing was lost */
	LOSS_THROTTLED,     /* more than a rate allows, and `when_exceeded` is `drop` */
	LOSS_LATE,          /* their window was closed */
	LOSS_QUEUE_FULL,    /* the queue before a stage was full, and `when_full` says to drop */
	LOSS_COUNT,
};
extern const char *const loss_names[LOSS_COUNT];

enum { FIGURES_MAX = 16 };

/* One stage's figures, shared by its instances. */
struct stage_counters {
	struct counter records_in, bytes_in;
	struct counter records_out,
	    bytes_out; /* sinks: stored; bytes as written, delimiters included */
	struct counter lost[LOSS_COUNT];
	struct counter errors;     /* operations or files that failed, */
	struct counter undone;     /* and those of them that a sink made good when it began anew */
	struct counter slow_steps; /* over 100 ms, of its workers (daemon/step_watch.h) */
	struct counter restarts;   /* of its workers, each by itself (daemon/isolation.h) */
	struct counter refused;    /* records that it could do nothing with, */
	struct reasons reasons;    /* and why */
	struct counter joined;     /* that became a part of another */
	struct counter retries;    /* of what failed and may yet succeed */
	struct counter work_total,
	    work_done;                 /* bytes of input known and consumed, for the progress bar */
	struct counter files;          /* opened so far */
	struct counter latency_max_ns; /* sinks: from read to written */
	struct counter truncations;    /* files that shrank, or were written anew */
	struct counter removals;       /* files that were deleted, as the topology says */
	struct counter
	    changes; /* to what snapshot() would say, besides those that bytes_in tells of */
	struct counter figures[FIGURES_MAX]; /* the stage's own: stage_type.figures */
	struct call_counters
	    calls; /* of a stage that calls something outside (stages/policy/calls.h) */
	struct counter
	    awaited; /* of these: a source waits until they are committed, so an epoch is due at once */
};

struct batch_list; /* stages/batch_list.h */
struct stage_type;
struct delta; /* stages/delta.h */

/* One instance. All but `state` is the daemon's and set before open(). */
struct stage {
	const struct stage_type *type;
	const char *id;      /* as the topology names it */
	const void *options; /* the struct its option table fills */
	struct env *env;
	/* Sources: where buffers and batches come from. Transforms: where batches come from that they send elsewhere, and
	 * buffers for text that they make, as many as they said. NULL: they need none. */
	struct home *home;
	const struct fields *fields;      /* of the topology */
	const struct column_set *needed;  /* of these, by whoever gets what it hands on */
	bool needs_all;                   /* somebody writes out whatever a record has */
	const struct column_set *written; /* by whoever hands on to it */
	int object; /* the column that fields_write_object() gave it; -1: none */
	enum on_error on_error;
	bool ordered; /* records keep their order; sinks that may overtake */
	struct stage_counters *counters;
	bool once;      /* run to the end of the input, then end */
	bool ending;    /* transforms: no more will come, and all that is held is due */
	bool stopping;  /* sources that drain: hand on what can't be read again, then STEP_DONE */
	bool terminal;  /* standard output is one */
	unsigned index; /* which of `workers: N` */
	/* Where things of the stage's own are kept for the next start; NULL: nothing is to be remembered. */
	const char *state_dir;
	const struct delta *saved; /* what was remembered, all puts; NULL, or valid during open() */
	uint64_t epoch;            /* with which record; 0: none */
	void *state;
};

/* Where a source or transform puts what it made. */
struct outlet;
/* Hands the batch on; clears the caller's pointer. Never blocks, never fails: a worker steps a stage only when there
 * is room below for what one step may emit. An empty batch is allowed and simply ends here. */
void emit(struct outlet *out, struct batch **b);

/* Its output of that number (conf/topology.h), given the main one. NULL: nobody reads it. */
struct outlet *outlet_of(struct outlet *out, unsigned output);

/* Where a sink gets its batches. */
struct inlet;
/* The next batch, the caller's now; NULL when there is none at the moment or no more will come. */
struct batch *inlet_take(struct inlet *in);
/* n of the batches taken, in the order of taking, are stored (task_done). */
void inlet_done(struct inlet *in, size_t n);
/* No more will come, and all has been taken. */
bool inlet_ended(const struct inlet *in);
/* No more will come before some of what was taken is done. */
bool inlet_has_enough(const struct inlet *in);
/* What it could not store may be handed on, one batch in a step. False: not yet; it is stepped when there is room. */
bool inlet_may_hand_on(struct inlet *in);
/* Where to, after that was asked; NULL: nobody wants it (stages/undelivered.h). */
struct outlet *inlet_handed_on(struct inlet *in);

struct stage_type {
	struct stage_schema schema; /* must stand first */

	/* 0 or -errno, having said why; close() is called in either case. */
	int (*open)(struct stage *s);
	/* Releases everything. No operation is in flight any more; those it submits to close descriptors must free
	 * themselves (stages/descriptor.h). */
	void (*close)(struct stage *s);

	/* Sources that serve others, who want to be answered meanwhile: instead of source_step, while there is no room below; emits nothing.
	 * STEP_MORE or STEP_WAIT, or -errno. NULL: it just waits. */
	int (*source_attend)(struct stage *s);
	/* One of these, by kind. A source emits at most one batch a step. A transform returns 0, STEP_MORE when there was no
	 * room for all that it makes of the batch (then transform_more follows), STEP_HOLD likewise, or -errno when it has failed for good; the
	 * batch is its own in either case. */
	int (*source_step)(struct stage *s, struct outlet *out);
	int (*transform_apply)(struct stage *s, struct batch *b, struct outlet *out);
	int (*sink_step)(struct stage *s, struct inlet *in);

	/* Transforms, when there is room again: goes on with the batches whose rest it kept, in order. It may be given more of
	 * them before. 0: it keeps nothing any more; STEP_MORE, STEP_HOLD or -errno. What it kept is let go by close() if not before. */
	int (*transform_more)(struct stage *s, struct outlet *out);
	/* Transforms that hold records back from one batch to the next: called before each batch, and at the moments it names
	 * with env_wake_at(); hands on what is due, no more than it could make of one batch; all of it, call by call, when s
	 * is `ending`. STEP_MORE: call again; 0; or -errno. What is held belongs in the snapshot. */
	int (*transform_due)(struct stage *s, struct outlet *out);

	/* Sinks, instead of sink_step once inlet_ended(): write out what is held back, close files. STEP_MORE or STEP_WAIT
	 * until STEP_DONE, with every batch done, save when its reader went away. */
	int (*sink_finish)(struct stage *s, struct inlet *in);
	/* Sinks that have failed: frees the batches that are held, as those who share them may be waiting for room. close() follows, and with `supervision: isolate`
	 * open(), when it is given the same batches again. STEP_WAIT while operations point into them, then
	 * STEP_DONE. NULL: there are none. */
	int (*sink_let_go)(struct stage *s);
	/* The hooks of an epoch (for a sink with transactions: stages/README.md); each NULL where there is nothing to do, none called when state_dir is NULL. */

	/* Sources and transforms: writes what has changed since the last time. What was emitted so far lies before it, all
	 * else behind it: begun again from there, the stage emits what follows, and nothing twice. 0 or -errno. */
	int (*snapshot)(struct stage *s, struct delta *d);
	/* Sinks, instead of sink_step while no more is to be taken: writes all that was taken and notes how far that is; what
	 * is taken from then on belongs to the epoch after this one. STEP_MORE or STEP_WAIT until STEP_DONE. */
	int (*sink_cut)(struct stage *s, struct inlet *in, uint64_t epoch);
	/* Sinks, beside sink_step: makes what was written up to the cut durable (after sink_finish, which may come before it
	 * is through: all of it), then writes what recovery has to know. A sink with transactions prepares here. STEP_MORE or
	 * STEP_WAIT until STEP_DONE. */
	int (*sink_sync)(struct stage *s, struct delta *d);
	/* The record of that epoch is durable: it will never be asked for again. A sink with transactions commits here, or
	 * begins to. */
	void (*committed)(struct stage *s, uint64_t epoch);
	/* After the last committed() of a run that did not fail, before close(): carries what that began to its end, or does
	 * what had to wait for it. STEP_MORE or STEP_WAIT until STEP_DONE; -errno, having said why: the run failed, and the
	 * next start will have to do it. */
	int (*settle)(struct stage *s);

	/* Tells what it remembers: `saved`, all puts. No instance's: any thread. 0, -ENOMEM, or -EBADMSG: these bytes are not
	 * its own. */
	int (*tell)(const void *options, const struct delta *saved, struct teller *t);

	/* Which fields it reads, which it writes (stages/fields.h). NULL: it has to do with bodies only. */
	void (*fields)(const void *options, struct field_uses *uses);
	/* What is wrong with that, given what others do with fields; `at` is where the stage's id stands. NULL: nothing can be. */
	void (*check_fields)(const void *options, const struct field_traffic *traffic,
			     struct place at, struct problems *problems);
	/* Transforms that make text: how many buffers one batch made from one of `capacity` bytes may take, and how large they
	 * have to be; needs_all: somebody below writes out all fields. NULL: none. */
	unsigned (*scratch)(const void *options, size_t capacity, bool needs_all,
			    size_t *ret_capacity);

	/* Upper bound of what one instance takes besides batches, in bytes, counted in the memory budget. NULL: little. */
	size_t (*memory)(const void *options);
	/* How many descriptors one instance may have open that it cannot do without, if they are many. NULL: a few. */
	size_t (*descriptors)(const void *options);
	/* How many helper threads one instance can keep busy with IO_WORK. NULL: none. */
	unsigned (*helpers)(const void *options);
	/* Sources that may be closed and opened again within a run (`supervision: isolate`): what snapshot() says holds after a step that
	 * failed, too, and saved is all of it that was ever said; or there is no snapshot(). */
	bool reopens;
	/* Sources of what can't be read again: see to `stopping` themselves; others are just stepped no more. */
	bool drains;
	/* Sources: the buffer capacity its home must have. */
	size_t (*buffer_capacity)(const void *options);
	/* Sources: how many buffers its home must have beside one that is filled, one to go on in, and one below. NULL: none. */
	size_t (*more_buffers)(const void *options);

	/* Sinks: what holds for the records they have stored, in a few words for `sluice check`. stream: the output is
	 * no regular file, as was found by looking. remembers: there will be a state_dir. */
	const char *(*guarantee)(const void *options, bool stream, bool remembers);
	/* Sources: what becomes of their records when the program ends and is started again, likewise. */
	const char *(*restart)(const void *options, bool remembers);
	/* The option that means nothing without epochs; NULL: none. The hook itself NULL: likewise. */
	const char *(*needs_epochs)(const void *options);
	/* Sources of files: the patterns that name them, and those that leave some out. NULL: reads no files. */
	const struct text_list *(*patterns)(const void *options,
					    const struct text_list **ret_exclude);
	/* The option that names a time zone, for zone_open() (stages/time/zone.h): that there is such a zone is found while
	 * the topology is checked. NULL, or a text that was not given: there is none. */
	const struct text *(*zone)(const void *options);
	/* Sinks that write files: their path, as a path_template. NULL: writes none. */
	const struct text *(*path)(const void *options);
	/* Sinks that write files: number `i` (from 0) of those it would write at wall_ns (since 1970). 0 is the one that
	 * records go into, the others are what that may be renamed to. 0; -ENOENT: it has no more; or -errno. NULL: it
	 * writes none. */
	int (*writes)(const void *options, int64_t wall_ns, unsigned i, struct file_claim *claim);
	/* Sources that read files: answers the questions. 0 or -ENOMEM. NULL: it reads none. */
	int (*reads)(const void *options, file_resolve *resolve, struct file_question *questions,
		     size_t count);

	/* What its own counters count, told at the end and when asked; ends with NULL. NULL: it has none. */
	const char *const *figures;

	/* A sink whose output is the process's standard output. */
	bool standard_output;
	/* The stage that is put in front of one whose queue spills (stages/segments/spill.h): its worker is daemon/spilling.h. */
	bool spills;
	/* A transform that may hand on a batch in several parts, a part at a time. (One with transform_due makes a batch anyway.) */
	bool splits;
	/* A transform that makes records of its own out of many: those that do not come out were not filtered. */
	bool gathers;
	/* A transform cheap enough to run fused, or a sink cheap enough to share its input's thread. */
	bool light;
	/* A transform whose instances are independent, so that it may be fused into several workers. */
	bool stateless;
	/* Those that are stateless but for an option: the option, in words, if it is given, with which one instance has to see all of
	 * the input, in order; else NULL. The hook itself NULL: there is no such option. */
	const char *(*one_instance)(const void *options);
};

/* One instance has to see all of the input. */
static inline bool stage_keeps_state(const struct stage_type *type, const void *options)
{
	return !type->stateless || (type->one_instance && type->one_instance(options));
}

/* Every stage in this build; ends with NULL. Adding a stage is one line in this table. */
extern const struct stage_type *const stage_types[];

/* Those that are not in it, as a library was missing when it was built; ends with a name that is NULL. */
extern const struct stage_left_out stages_left_out[];
