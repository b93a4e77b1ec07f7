/* faulty_env.h - an env for tests: time that moves only when told, operations carried out on the real file system but
 * completed late, in any order, cut short, interrupted or refused, as a seed will have it.
 *
 * Threads: the test's; IO_WORK runs on a thread of its own. Memory: the caller's. */
#pragma once

#include "daemon/backend.h"
#include "stages/env.h"
#include "stages/stage.h"

#include <pthread.h>

enum { FAULTY_PENDING_MAX = 128, FAULTY_EVENTS_MAX = 64 };

struct faulty_pending {
	struct io_op *op;
	pthread_t thread; /* IO_WORK */
};

struct faulty_env {
	struct env env;
	struct io io;
	struct stage_counters counters;
	uint64_t now_ns;
	int64_t wall_ns;
	uint64_t wake_ns; /* the earliest asked for; 0: none */
	uint64_t random;

	/* what goes wrong */
	bool reorders;
	unsigned short_percent, interrupt_percent;
	uint64_t full_until_ns; /* writes, opens and renames: -ENOSPC before that */
	int write_error;        /* what every write answers; 0: nothing */

	/* Called with each operation before it is carried out. Returns true to answer it with *result instead. May cut a
	 * write short. NULL: none. */
	bool (*look)(struct faulty_env *e, struct io_op *op, int64_t *result);
	/* Called when it has a result. NULL: none. */
	void (*seen)(struct faulty_env *e, const struct io_op *op);
	void *owner;

	struct backend *backend; /* carries out what `look` lets through; NULL: done here */

	struct faulty_pending pending[FAULTY_PENDING_MAX];
	size_t pending_count;
	size_t writes, in_flight_most;
	const char *events[FAULTY_EVENTS_MAX]; /* said so far */
	size_t event_count;
};

void faulty_env_init(struct faulty_env *e, uint64_t seed);

/* 0 to below-1 */
uint64_t faulty_env_random(struct faulty_env *e, uint64_t below);

/* Completes one operation; false if there is none. */
bool faulty_env_turn(struct faulty_env *e);

/* The clocks go on. */
void faulty_env_pass(struct faulty_env *e, uint64_t ns);

/* When a step waits: completes an operation, or lets time go by until the moment it named. False if it waits for
 * neither. Forgets that moment. */
bool faulty_env_go_on(struct faulty_env *e);

/* How often that was said. */
size_t faulty_env_said(const struct faulty_env *e, const char *event);
