#include "tests/sim/sim_run.h"
#include "tests/sim/sim_inode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPIN_MOVES = 200000, MOVE_NS_MAX = 20000, TEARDOWN_NS = 1000000000 };

/* ---- the env ---- */

static struct sim_env *from_env(struct env *e)
{
	return (struct sim_env *)(void *)e;
}

static uint64_t env_now(struct env *e)
{
	return from_env(e)->run->clock->now_ns;
}

static int64_t env_wall(struct env *e)
{
	return from_env(e)->run->clock->wall_ns;
}

static uint64_t env_boot_number(struct env *e)
{
	return from_env(e)->run->clock->boot;
}

static uint64_t env_next_random(struct env *e)
{
	return sim_random_next(&from_env(e)->run->random);
}

static void env_wake(struct env *e, uint64_t when_ns)
{
	struct sim_runner *r = from_env(e)->runner;
	if (when_ns < r->deadline_ns)
		r->deadline_ns = when_ns;
}

static void env_tell(struct env *e, enum say_level level, const char *event, const char *format,
		     va_list args)
{
	struct sim_env *s = from_env(e);
	char text[200];
	s->run->said[level]++;
	if (!s->run->story->told)
		return;
	vsnprintf(text, sizeof text, format, args);
	sim_story_add(s->run->story, "%-10s says: %s %s", s->stage, event, text);
}

static const struct env_ops sim_env_ops = {.now_ns = env_now,
					   .wall_ns = env_wall,
					   .boot = env_boot_number,
					   .random = env_next_random,
					   .wake_at = env_wake,
					   .say = env_tell};

/* ---- beginning ---- */

static void wake(struct waiter *w)
{
	((struct sim_runner *)(void *)w)->woken = true;
}

static size_t node_count(const struct pipeline *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->worker_count; i++)
		n += p->workers[i].node_count;
	return n;
}

static struct env *new_env(struct sim_run *r, struct sim_runner *of, const char *stage)
{
	struct sim_env *e = &r->envs[r->env_count++];
	*e = (struct sim_env){.env = {.ops = &sim_env_ops, .io = &of->io->backend.io},
			      .runner = of,
			      .run = r,
			      .stage = stage};
	return &e->env;
}

static void give_envs(struct sim_run *r, struct sim_runner *to)
{
	if (to->of->epochs)
		to->of->epochs->env = new_env(r, to, "epochs");
	for (size_t i = 0; i < to->of->worker_count; i++) {
		struct worker *w = to->of->workers[i];
		for (size_t n = 0; n < w->node_count; n++)
			w->nodes[n].stage.env = new_env(r, to, w->nodes[n].stage.id);
	}
}

/* The coordinator's, as all sources may have to cut. */
static void rouse_all(void *context)
{
	struct sim_run *r = context;
	for (size_t i = 0; i < r->pipeline.runner_count; i++)
		r->runners[i].woken = true;
}

static void give_io(struct sim_run *r, struct sim_runner *s, const struct sim_faults *faults,
		    struct sim_happened *happened)
{
	backend_close(s->of->backend); /* the coordinator's was opened with the pipeline */
	s->io = sim_io_new(r->fs, sim_random_fork(&r->random), r->story, faults, happened,
			   &r->clock->now_ns, s->of->name);
	s->of->backend = &s->io->backend;
}

static void open_workers(struct sim_runner *r)
{
	for (size_t i = 0; i < r->of->worker_count; i++) {
		int error = worker_open(r->of->workers[i]);
		if (error < 0)
			worker_fail(r->of->workers[i], error);
	}
}

int sim_run_begin(struct sim_run *r, const struct plan *plan, bool once, struct sim_fs *fs,
		  struct sim_clock *clock, struct sim_story *story, const struct sim_faults *faults,
		  struct sim_happened *happened, struct sim_random random,
		  const struct pipeline_memory *memory)
{
	*r = (struct sim_run){.clock = clock, .fs = fs, .story = story, .random = random};
	int error = pipeline_init(&r->pipeline, plan, once, BACKEND_PLAIN, memory);
	if (error < 0)
		return error;
	r->begun = true;
	r->runners = sim_alloc(r->pipeline.runner_count * sizeof *r->runners);
	r->envs = sim_alloc((node_count(&r->pipeline) + 1) * sizeof *r->envs);
	for (size_t i = 0; i < r->pipeline.runner_count; i++) {
		struct sim_runner *s = &r->runners[i];
		s->waiter.wake = wake;
		s->of = &r->pipeline.runners[i];
		give_io(r, s, faults, happened);
		give_envs(r, s);
	}
	if (memory) {
		r->pipeline.epochs.rouse = rouse_all;
		r->pipeline.epochs.context = r;
	}
	for (size_t i = 0; i < r->pipeline.runner_count; i++)
		open_workers(&r->runners[i]);
	return 0;
}

/* ---- moves ---- */

static bool step_epochs(struct sim_run *run, struct sim_runner *r)
{
	if (!r->of->epochs || epochs_is_over(r->of->epochs))
		return false;
	enum step s = epochs_step(r->of->epochs);
	sim_story_digest(run->story, (uint64_t)s, r->of->epochs->epoch);
	return s != STEP_WAIT;
}

static bool step_workers(struct sim_run *run, struct sim_runner *r)
{
	r->deadline_ns = UINT64_MAX;
	bool progress = step_epochs(run, r);
	size_t count = r->of->worker_count, first = count ? sim_below(&run->random, count) : 0;
	for (size_t i = 0; i < count; i++) {
		struct worker *w = r->of->workers[(first + i) % count];
		if (w->state == WORKER_ENDED)
			continue;
		enum step s = worker_step(w);
		sim_story_digest(run->story, (uint64_t)s, (uint64_t)(w - run->pipeline.workers));
		progress |= s != STEP_WAIT;
	}
	return progress;
}

static bool poll_and_step(struct sim_run *run, struct sim_runner *r)
{
	size_t completed = backend_poll(&r->io->backend);
	return step_workers(run, r) || completed > 0;
}

static bool all_ended(const struct sim_runner *r)
{
	for (size_t i = 0; i < r->of->worker_count; i++)
		if (r->of->workers[i]->state != WORKER_ENDED)
			return false;
	return !r->of->epochs || epochs_is_over(r->of->epochs);
}

static void arm(struct sim_runner *r)
{
	r->woken = false;
	if (r->of->epochs)
		epochs_arm(r->of->epochs, &r->waiter);
	for (size_t i = 0; i < r->of->worker_count; i++)
		worker_arm(r->of->workers[i], &r->waiter);
	r->sleep = SIM_ARMED;
}

static void disarm(struct sim_runner *r)
{
	if (r->of->epochs)
		epochs_disarm(r->of->epochs);
	for (size_t i = 0; i < r->of->worker_count; i++)
		worker_disarm(r->of->workers[i]);
	r->sleep = SIM_AWAKE;
}

static bool waits_unarmed(const struct sim_runner *r)
{
	for (size_t i = 0; i < r->of->worker_count; i++)
		if (r->of->workers[i]->state != WORKER_ENDED &&
		    worker_waits_unarmed(r->of->workers[i]))
			return true;
	return false;
}

static void move(struct sim_run *run, struct sim_runner *r)
{
	if (r->sleep == SIM_ASLEEP)
		disarm(r);
	bool progress = poll_and_step(run, r);
	if (r->sleep == SIM_ARMED) {
		if (progress || waits_unarmed(r) || r->woken || all_ended(r))
			disarm(r);
		else
			r->sleep = SIM_ASLEEP;
	} else if (!progress && !all_ended(r)) {
		arm(r);
	}
}

static uint64_t next_ns(const struct sim_runner *r)
{
	uint64_t io = sim_io_next_ns(r->io);
	return io < r->deadline_ns ? io : r->deadline_ns;
}

static bool can_move(const struct sim_run *run, const struct sim_runner *r)
{
	if (all_ended(r))
		return false;
	return r->sleep != SIM_ASLEEP || r->woken || next_ns(r) <= run->clock->now_ns ||
	       r->io->backend.completed;
}

static bool ended(const struct sim_run *r)
{
	for (size_t i = 0; i < r->pipeline.runner_count; i++)
		if (!all_ended(&r->runners[i]))
			return false;
	return true;
}

static void tick(struct sim_run *r, uint64_t ns)
{
	r->clock->now_ns += ns;
	r->clock->wall_ns += (int64_t)ns;
}

void sim_clock_to(struct sim_run *r, uint64_t now_ns)
{
	if (now_ns <= r->clock->now_ns)
		return;
	tick(r, now_ns - r->clock->now_ns);
	r->moves_at_once = 0;
}

enum sim_move sim_run_move(struct sim_run *r)
{
	size_t count = r->pipeline.runner_count, first = sim_below(&r->random, count);
	for (size_t i = 0; i < count; i++) {
		struct sim_runner *runner = &r->runners[(first + i) % count];
		if (!can_move(r, runner))
			continue;
		move(r, runner);
		tick(r, sim_below(&r->random, MOVE_NS_MAX));
		r->moves++;
		return ++r->moves_at_once > SPIN_MOVES ? SIM_SPINS : SIM_MOVED;
	}
	return ended(r) ? SIM_ENDED : SIM_IDLE;
}

uint64_t sim_run_next_ns(const struct sim_run *r)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; i < r->pipeline.runner_count; i++)
		if (!all_ended(&r->runners[i]) && next_ns(&r->runners[i]) < next)
			next = next_ns(&r->runners[i]);
	return next;
}

/* ---- ending ---- */

static void drain_io(struct sim_runner *r)
{
	sim_io_hurry(r->io);
	while (r->io->backend.busy > 0)
		backend_poll(&r->io->backend);
}

static void close_runner(struct sim_runner *r)
{
	drain_io(r);
	for (size_t i = 0; i < r->of->worker_count; i++)
		worker_close(r->of->workers[i]);
	drain_io(r);
}

static void release(struct sim_run *r)
{
	for (size_t i = 0; i < r->pipeline.runner_count; i++)
		close_runner(&r->runners[i]);
	pipeline_join(&r->pipeline);
	pipeline_release(&r->pipeline);
	free(r->runners);
	free(r->envs);
	r->begun = false;
}

void sim_run_end(struct sim_run *r)
{
	release(r);
}

static void drop_batch(void *item, void *context)
{
	(void)context;
	struct batch *b = item;
	batch_free(&b);
}

void sim_run_crash(struct sim_run *r)
{
	struct pipeline *p = &r->pipeline;
	for (size_t i = 0; i < p->runner_count; i++) {
		if (r->runners[i].sleep != SIM_AWAKE)
			disarm(&r->runners[i]);
		r->runners[i].io->dead = true;
		drain_io(&r->runners[i]);
	}
	for (size_t i = 0; i < p->edge_count; i++)
		queue_shutdown_now(&p->edges[i].queue, drop_batch, NULL);
	for (size_t i = 0; i < p->worker_count; i++)
		if (p->workers[i].state != WORKER_ENDED)
			worker_fail(&p->workers[i], -EIO);
	const uint64_t now_ns = r->clock->now_ns; /* what waits for a moment is not waited for */
	while (!ended(r)) {
		r->clock->now_ns += TEARDOWN_NS;
		for (size_t i = 0; i < p->worker_count; i++)
			worker_step(&p->workers[i]);
		if (p->memory && !epochs_is_over(&p->epochs))
			epochs_step(&p->epochs);
		for (size_t i = 0; i < p->runner_count; i++)
			drain_io(&r->runners[i]);
	}
	r->clock->now_ns = now_ns;
	release(r);
}

/* ---- telling ---- */

static void tell_worker(struct sim_run *r, const struct sim_runner *runner, const struct worker *w)
{
	static const char *const sleeps[] = {"awake", "armed", "asleep"};
	static const char *const states[] = {
	    [WORKER_RUNNING] = "running", [WORKER_ENDING] = "ending", [WORKER_FAILING] = "failing",
	    [WORKER_HALTING] = "halting", [WORKER_HALTED] = "halted", [WORKER_LEAVING] = "leaving",
	    [WORKER_ENDED] = "ended"};
	sim_story_add(r->story, "worker %s: %s, %s, failure %d, waits for%s%s%s%s%s%s; %zu busy",
		      w->name, states[w->state], sleeps[runner->sleep], w->failure,
		      w->waits & WAITS_INPUT ? " input" : "", w->waits & WAITS_ROOM ? " room" : "",
		      w->waits & WAITS_TURN ? " its turn" : "",
		      w->waits & WAITS_BATCHES ? " batches" : "",
		      w->waits & WAITS_OTHER ? " I/O or a moment" : "",
		      w->waits & WAITS_REPORT ? " its report" : "", runner->io->backend.busy);
}

static void tell_epochs(struct sim_run *r)
{
	const struct epochs *e = &r->pipeline.epochs;
	if (r->pipeline.epochs_made)
		sim_story_add(r->story,
			      "epochs: state %d, epoch %ju, %zu reports held, %zu final, of %zu",
			      (int)e->state, (uintmax_t)e->epoch, e->held_count, e->finals,
			      e->reporter_count);
}

void sim_run_tell(struct sim_run *r)
{
	tell_epochs(r);
	for (size_t i = 0; i < r->pipeline.runner_count; i++)
		for (size_t n = 0; n < r->runners[i].of->worker_count; n++)
			tell_worker(r, &r->runners[i], r->runners[i].of->workers[n]);
	for (size_t i = 0; i < r->pipeline.edge_count; i++)
		sim_story_add(r->story, "queue %zu: %zu of %zu, unfinished %zu", i,
			      queue_size(&r->pipeline.edges[i].queue),
			      queue_capacity(&r->pipeline.edges[i].queue),
			      (size_t)queue_unfinished(&r->pipeline.edges[i].queue));
}
