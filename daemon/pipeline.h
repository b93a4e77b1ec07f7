/* pipeline.h - the plan made flesh: queues, homes, workers and the threads that run them, from start to joined.
 *
 *   pipeline_init -> pipeline_start -> [pipeline_stop] -> pipeline_join -> pipeline_release
 *
 * Threads: all calls from one, the main thread; none are made before pipeline_start(), so that a test may step the
 * workers by itself. Memory: all taken by pipeline_init(). Layer: daemon. */
#pragma once

#include "daemon/backend.h"
#include "daemon/helpers.h"
#include "daemon/epochs.h"
#include "daemon/plan.h"
#include "daemon/runner.h"
#include "daemon/worker.h"

/* What is remembered from start to start. */
struct pipeline_memory {
	struct epoch_log *log;     /* opened; its epoch and map are where the stages begin */
	struct epoch_guard *guard; /* NULL: the directory is not looked at while it runs */
	const char *state_dir;
	struct epochs_options options;
};

struct pipeline {
	const struct plan *plan;
	const struct pipeline_memory *memory; /* NULL: nothing is remembered */
	struct epochs epochs;                 /* unless memory is NULL */
	bool epochs_made;
	char **remembered_as;            /* by stage of the topology: how the epoch log names it */
	struct delta *saved;             /* by stage of the topology, until the stages are open */
	struct stage_counters *counters; /* by stage of the topology */
	struct edge *edges;              /* by edge of the plan */
	size_t edge_count;
	struct home *homes;
	size_t home_count;
	struct crew *crews; /* by group of the plan */
	struct worker *workers;
	size_t worker_count;
	struct runner *runners;
	size_t runner_count;
	struct helpers helpers;
	bool helpers_made;
	struct counter stop;
	int ended_event; /* eventfd: readable when a runner is through; the pipeline's */
};

static inline const struct plan_group *pipeline_group(const struct pipeline *p, size_t g)
{
	return &p->plan->groups[g];
}

/* What the epoch log calls a stage: "file:access". One that became of another type remembers nothing of what it was.
 * Terminated, the caller's to free; NULL: no memory. */
char *pipeline_remembered_as(const struct topology_stage *s);

/* Plan and memory must outlive it. once: sources end at the end of their input. memory: NULL if there are to be no
 * epochs. 0 or -errno. */
int pipeline_init(struct pipeline *p, const struct plan *plan, bool once, enum backend_kind io,
		  const struct pipeline_memory *memory);
void pipeline_release(struct pipeline *p);

/* After pipeline_init(): workers that can begin anew by themselves do, if the strategy is ISOLATE. by outlives p. 0 or -ENOMEM. */
int pipeline_supervise(struct pipeline *p, struct supervision *by);

/* 0 or -errno; if not all threads could be started, those that were end by themselves: join them. */
int pipeline_start(struct pipeline *p);

/* Sources end now; what they have emitted drains. */
void pipeline_stop(struct pipeline *p);

/* True when all workers have ended; to be asked after ended_event. */
bool pipeline_ended(struct pipeline *p);

/* Every stage was asked to open. */
bool pipeline_is_open(const struct pipeline *p);
/* The newest that is committed; 0: none. */
uint64_t pipeline_epoch(const struct pipeline *p);

/* A source was stopped before its input ended. */
bool pipeline_is_cut_short(const struct pipeline *p);

/* What the epoch log failed with, -errno; 0: it did not. */
int pipeline_log_failure(struct pipeline *p);

/* A worker that has failed, or NULL. */
const struct worker *pipeline_failed(struct pipeline *p);

/* Waits for every thread, and asserts what join means: everything put has been done. */
void pipeline_join(struct pipeline *p);

/* SIGUSR1: logs every worker and its state, every stage and its figures, every queue. */
void pipeline_report(struct pipeline *p);

/* Logs what stages have counted beside what all count (stage_type.figures), as far as there is any. */
void pipeline_tell_figures(const struct pipeline *p);
