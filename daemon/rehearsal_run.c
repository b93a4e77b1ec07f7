/* rehearsal_run.c - a rehearsal, run: its workers stepped in turn, in a world that is nowhere. */
#include "daemon/pipeline.h"
#include "daemon/rehearsal.h"
#include "daemon/zone_file.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 100 * 1000 * 1000 };

/* Long enough after the start of the machine that nobody's "a day ago" lies before it. */
static const uint64_t NOW_NS = UINT64_C(1000) * 24 * 3600 * 1000000000;

/* ---- the world ---- */

struct rehearsal_world {
	struct rehearsal *rehearsal;
	uint64_t now_ns;
	int64_t wall_ns;
	uint64_t wake_ns; /* the nearest moment named in this round */
};

struct rehearsal_env {
	struct env env; /* must stand first */
	struct rehearsal_world *world;
	const char *stage;
	uint64_t random;
};

static struct rehearsal_env *from_env(struct env *e)
{
	return (struct rehearsal_env *)(void *)e;
}

static uint64_t rehearsal_now(struct env *e)
{
	return from_env(e)->world->now_ns;
}

static int64_t rehearsal_wall(struct env *e)
{
	return from_env(e)->world->wall_ns;
}

static uint64_t rehearsal_boot(struct env *e)
{
	(void)e;
	return 1;
}

/* The same each time (a linear congruential generator, D. Knuth's constants for MMIX; its upper half is used). */
static uint64_t rehearsal_random(struct env *e)
{
	uint64_t *r = &from_env(e)->random, high;
	*r = *r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	high = *r >> 32;
	*r = *r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return high << 32 | *r >> 32;
}

static void rehearsal_wake(struct env *e, uint64_t when_ns)
{
	struct rehearsal_world *w = from_env(e)->world;
	if (when_ns < w->wake_ns)
		w->wake_ns = when_ns;
}

/* What it failed with; the first counts. */
static void __attribute__((format(printf, 4, 0)))
rehearsal_say(struct env *e, enum say_level level, const char *event, const char *format,
	      va_list args)
{
	char *said = from_env(e)->world->rehearsal->said;
	if (level != SAY_ERROR || *said)
		return;
	int length = snprintf(said, REHEARSAL_SAID_ROOM, "%s: %s ", from_env(e)->stage, event);
	if (length > 0 && length < REHEARSAL_SAID_ROOM)
		vsnprintf(said + length, REHEARSAL_SAID_ROOM - (size_t)length, format, args);
}

static const struct env_ops rehearsal_env_ops = {.now_ns = rehearsal_now,
						 .wall_ns = rehearsal_wall,
						 .boot = rehearsal_boot,
						 .random = rehearsal_random,
						 .wake_at = rehearsal_wake,
						 .say = rehearsal_say,
						 .read_zone = zone_file_read};

static size_t node_count(const struct pipeline *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->worker_count; i++)
		n += p->workers[i].node_count;
	return n;
}

/* The caller's to free; NULL: no memory. */
static struct rehearsal_env *give_envs(struct pipeline *p, struct rehearsal_world *world)
{
	size_t count = node_count(p), given = 0;
	assert(count > 0);
	struct rehearsal_env *envs = calloc(count, sizeof *envs);
	for (size_t i = 0; envs && i < p->worker_count; i++)
		for (size_t n = 0; n < p->workers[i].node_count; n++) {
			struct stage *s = &p->workers[i].nodes[n].stage;
			envs[given] = (struct rehearsal_env){.env = {.ops = &rehearsal_env_ops},
							     .world = world,
							     .stage = s->id,
							     .random = given};
			s->env = &envs[given++].env;
		}
	return envs;
}

/* ---- the run ---- */

static void open_workers(struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++) {
		int r = worker_open(&p->workers[i]);
		if (r < 0)
			worker_fail(&p->workers[i], r);
	}
}

/* Those downstream first, so that what is made is taken before there is more. True: something was done. */
static bool step_all(struct pipeline *p)
{
	bool progress = false;
	for (size_t i = p->worker_count; i-- > 0;)
		if (p->workers[i].state != WORKER_ENDED)
			progress |= worker_step(&p->workers[i]) != STEP_WAIT;
	return progress;
}

/* Nothing can be done now: it is the moment that somebody waits for. False: nobody does. */
static bool go_on_to_wake(struct rehearsal_world *w)
{
	if (w->wake_ns == UINT64_MAX)
		return false;
	if (w->wake_ns > w->now_ns) {
		w->wall_ns += (int64_t)(w->wake_ns - w->now_ns);
		w->now_ns = w->wake_ns;
	}
	return true;
}

static int failure_of(struct pipeline *p)
{
	const struct worker *failed = pipeline_failed(p);
	return failed ? failed->failure : 0;
}

static int run(struct pipeline *p, struct rehearsal_world *w)
{
	for (size_t i = 0; i < ROUNDS_MAX; i++) {
		w->wake_ns = UINT64_MAX;
		bool progress = step_all(p);
		if (failure_of(p))
			counter_set(&p->stop, 1);
		if (pipeline_ended(p))
			return failure_of(p);
		if (!progress && !go_on_to_wake(w))
			break;
	}
	return -EDEADLK;
}

/* All that is still under way is let go. */
static void end_now(struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++)
		if (p->workers[i].state != WORKER_ENDED)
			worker_fail(&p->workers[i], -ECANCELED);
	for (size_t i = 0; i < ROUNDS_MAX && !pipeline_ended(p); i++)
		step_all(p);
}

int rehearsal_run(struct rehearsal *t)
{
	struct rehearsal_world world = {
	    .rehearsal = t, .now_ns = NOW_NS, .wall_ns = t->source.wall_ns, .wake_ns = UINT64_MAX};
	struct pipeline p;
	int r = pipeline_init(&p, &t->plan, true, BACKEND_PLAIN, NULL);
	if (r < 0)
		return r;
	struct rehearsal_env *envs = give_envs(&p, &world);
	if (envs) {
		open_workers(&p);
		r = run(&p, &world);
		if (r == -EDEADLK)
			end_now(&p);
		for (size_t i = 0; i < p.worker_count; i++)
			worker_close(&p.workers[i]);
	}
	pipeline_join(&p);
	pipeline_release(&p);
	free(envs);
	return envs ? r : -ENOMEM;
}
