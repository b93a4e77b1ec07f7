/* pipeline.h - the plan made flesh: queues, homes, workers and the threads that run them, from start to joined.
 *
 *   pipeline_init -> pipeline_start -> [pipeline_stop] -> pipeline_join -> pipeline_release
 *
 * Threads: all calls from one, the main thread. Memory: all taken by pipeline_init(). Layer: daemon. */
#pragma once

#include "daemon/backend.h"
#include "daemon/helpers.h"
#include "daemon/plan.h"
#include "daemon/runner.h"
#include "daemon/worker.h"

struct pipeline {
	const struct plan *plan;
	struct stage_counters *counters; /* by stage of the topology */
	struct edge *edges;              /* by edge of the plan */
	size_t edge_count;
	struct home *homes;
	size_t home_count;
	struct worker *workers;
	size_t worker_count;
	struct runner *runners;
	size_t runner_count;
	struct helpers helpers;
	bool helpers_made;
	bool many_cpus;
	struct counter stop;
	int ended_event; /* eventfd: readable when a runner is through; the pipeline's */
};

/* The plan must outlive it. once: sources end at the end of their input. 0 or -errno. */
int pipeline_init(struct pipeline *p, const struct plan *plan, bool once, enum backend_kind io);
void pipeline_release(struct pipeline *p);

/* 0 or -errno; if not all threads could be started, those that were end by themselves: join them. */
int pipeline_start(struct pipeline *p);

/* Sources end now; what they have emitted drains. */
void pipeline_stop(struct pipeline *p);

/* True when all workers have ended; to be asked after ended_event. */
bool pipeline_ended(struct pipeline *p);

/* A worker that has failed, or NULL. */
const struct worker *pipeline_failed(struct pipeline *p);

/* Waits for every thread, and asserts what join means: everything put has been done. */
void pipeline_join(struct pipeline *p);

/* SIGUSR1: logs every worker and its state, every stage and its figures, every queue. */
void pipeline_report(struct pipeline *p);
