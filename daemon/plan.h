/* plan.h - from a checked topology to what will run: which stages share a worker, how many workers, which queue lies
 * between them, and how the memory budget is divided.
 *
 *   sources: a          transforms: f (light), p (workers: 2), g (light)      sinks: s
 *
 *   topology   a -> f -> p -> g -> s
 *   plan       [a f] =queue=> [p g] x 2 =queue=> [s]          [ ] a group: its head stage and those fused into it
 *
 * A transform is fused into the group upstream unless the topology gives it workers or a queue, or it is not light; with
 * several groups upstream it must be stateless, and each gets an instance. A light sink with one producer has a worker
 * of its own but shares that producer's thread.
 *
 * Threads: one. Memory: plan_release(). Layer: daemon. */
#pragma once

#include "conf/topology.h"
#include "ringbuf/queue.h"
#include "stages/stage.h"

/* More batches or buffers than this for one batch are more than any memory. */
enum { PLAN_TIMES_MAX = 1 << 20 };

struct plan_group {
	size_t head; /* in topology.stages */
	unsigned workers;
	bool ordered;      /* several workers that must put in the order in which they got */
	size_t clones_max; /* batches made by fan-out for one batch that comes in */
	size_t
	    clone_batches; /* in each worker's home for clones; with no buffers, either: no home */
	/* How many batches from it, or derived from its own, may never come back though it goes on (plan_stranding.h). */
	size_t stranded;
	bool spills;        /* its worker is a spilling (daemon/spilling.h) */
	size_t scratch_max; /* buffers that its stages take, at most, for one batch that comes in */
	size_t scratch_buffers, scratch_capacity; /* in that home, too */
	/* in each worker's home for input; sources, and those that get batches back from disk */
	size_t buffers, buffer_capacity, batches;
	/* The group on whose thread it runs: itself, or the producer of a light sink. */
	size_t thread_of;
};

struct plan_edge {
	size_t from, to; /* groups */
	size_t capacity; /* batches */
	enum queue_mode mode;
	enum when_full when_full;
	bool
	    is_stranded; /* what is in it may stay there for ever: it drops or spills, or lies behind one that does */
	size_t held_max; /* a sink has no more of it at a time; 0: no limit (plan_stranding.h) */
};

struct plan {
	const struct topology *topology;
	bool *fused;      /* by stage */
	size_t *group_of; /* by stage: its group if it is a head */
	struct plan_group *groups;
	size_t group_count;
	bool *hosted; /* [group][stage]; plan_hosts() */
	struct plan_edge *edges;
	size_t edge_count;
	size_t helpers;     /* threads for work that would hold up a worker */
	size_t descriptors; /* that stages cannot do without, where they are many */
	struct fields fields;
	struct column_set *needed;  /* by stage: what is read of what it hands on */
	bool *needs_all;            /* by stage: somebody below writes out all */
	struct column_set *written; /* by stage: by those above it */
	int *objects;               /* by stage: the column of what it parses; -1: none */
	size_t memory_stages;       /* their own state */
	size_t memory_total;        /* with all buffers: the worst case, within the budget */
	size_t memory_needed;       /* the smallest budget that can make progress */
};

/* 0; -EINVAL with a problem added when the budget is too small, naming the smallest that is not, or when no budget
 * would do; -ENOMEM. cpus: for `workers: auto`. */
int plan_make(struct plan *p, const struct topology *t, unsigned cpus, struct problems *problems);
void plan_release(struct plan *p);

const struct stage_type *plan_type(const struct plan *p, size_t stage);
enum stage_kind plan_kind(const struct plan *p, size_t stage);

/* How many outputs of `stage` `reader` names among its inputs. */
size_t plan_times_read(const struct plan *p, size_t reader, size_t stage);

/* True if `reader` names `stage` among its inputs, whichever output of it; or just that one. */
bool plan_reads(const struct plan *p, size_t reader, size_t stage);
bool plan_reads_output(const struct plan *p, size_t reader, size_t stage, unsigned output);
/* One more than the highest output of it that somebody reads. */
unsigned plan_outputs(const struct plan *p, size_t stage);

/* A spill in front of a sink that stores nothing for good: it has a copy of what is with it (daemon/spilling.h). */
bool plan_keeps_copies(const struct plan *p, size_t stage);

/* How many queues lead to the group. */
size_t plan_inputs(const struct plan *p, size_t group);

/* Of each worker of the group: for clones and text that is made, and a source's for input. */
struct home_size plan_clone_home(const struct plan *p, size_t group);
struct home_size plan_input_home(const struct plan *p, size_t group);

/* Bytes that all workers of the group take, of memory_total: buffers, and the state of the stages in it. */
size_t plan_group_memory(const struct plan *p, size_t group);

/* True if each worker of `group` has an instance of `stage`. */
bool plan_hosts(const struct plan *p, size_t group, size_t stage);
