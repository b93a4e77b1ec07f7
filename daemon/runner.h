/* runner.h - a named thread that steps one or a few workers, does their I/O, and sleeps when all of them wait.
 *
 *   poll I/O -> step each worker -> progress? --yes--> again
 *                                      | no: look again for a while, if the last sleep was short
 *   arm everyone's lists, waiter_barrier(), poll and step once more -> progress? --yes--> disarm, again
 *                                      | no
 *   sleep in the I/O backend until a completion, a wake, or the nearest moment a stage named
 *
 * Threads: init and release the maker's; wake any. Layer: daemon. */
#pragma once

#include "daemon/backend.h"
#include "daemon/epochs.h"
#include "daemon/worker.h"
#include "ringbuf/sleeper.h"

struct runner;

/* The world of one stage instance (stages/env.h): its runner's. */
struct stage_env {
	struct env env; /* must stand first */
	struct runner *runner;
	const char *stage;
	uint64_t random;
};

enum runner_phase {
	RUNNER_OPENING, /* the stages */
	RUNNER_AWAKE,
	RUNNER_ASLEEP,
	RUNNER_THROUGH,
};

struct runner {
	struct sleeper sleeper; /* must stand first */
	pthread_t thread;
	bool started;
	char name[16];
	struct worker **
	    workers; /* those downstream first, so that what is made is taken while it is in the cache */
	size_t worker_count;
	struct epochs *epochs;  /* NULL, or the coordinator, that this one steps */
	struct stage_env *envs; /* one for each of the workers' nodes */
	size_t env_count;
	enum backend_kind backend_kind;
	struct helpers *helpers;
	struct backend *backend; /* opened on its thread, unless it is there already */
	struct wait_node helped;
	bool may_look;        /* the others have CPUs of their own meanwhile */
	bool brisk;           /* the last sleep was short */
	uint64_t deadline_ns; /* nearest moment named since the last steps */
	struct step_watch step_watch;
	uint64_t turns;
	struct counter shown_turns; /* round the loop */
	struct counter shown_phase; /* enum runner_phase */
	int ended_event; /* eventfd: told when a worker has failed or ended, and when the thread is through */
};

extern const struct env_ops runner_env_ops;

/* Before any thread is started: from then on it may be woken, even if its own never is. */
void runner_init(struct runner *r);
/* Starts the thread. 0 or -errno. */
int runner_start(struct runner *r);
/* Ends its workers as failed, without ever running them. Only while its thread does not run. */
void runner_abandon(struct runner *r, int error);
/* Makes it look again, wherever it sleeps. Any thread. */
void runner_wake(struct runner *r);
/* How it is. Any thread. */
bool runner_is_open(
    const struct runner *r); /* every stage of it was asked to open, and is or has failed */
bool runner_is_asleep(const struct runner *r);
bool runner_is_through(const struct runner *r);
/* Its thread runs, be it only that something in flight does not come back. The thread that started it. */
bool runner_is_under_way(const struct runner *r);
uint64_t runner_turns(const struct runner *r);
/* While it is asleep: nothing is known to be there that its workers wait for. */
bool runner_has_reason(const struct runner *r);
/* Waits for its thread to end. */
void runner_join(struct runner *r);
/* Closes its I/O backend: after all runners and helpers have been joined, as any of them may still have been about to
 * wake it. */
void runner_release(struct runner *r);
