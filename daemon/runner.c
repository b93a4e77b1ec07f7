#include "daemon/runner.h"
#include "daemon/boot.h"
#include "daemon/log.h"
#include "daemon/zone_file.h"
#include "ringbuf/pause.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	PAUSES_PER_LOOK = 32,
	LOOK_NS = 50 * 1000,   /* about what sleeping and being woken cost, both sides together */
	BRISK_NS = 300 * 1000, /* slept for less: the next time is worth a look first */
};

/* The env */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t env_now(struct env *e)
{
	(void)e;
	return clock_ns(CLOCK_MONOTONIC);
}

static int64_t env_wall(struct env *e)
{
	(void)e;
	return (int64_t)clock_ns(CLOCK_REALTIME);
}

static uint64_t env_boot_number(struct env *e)
{
	(void)e;
	return boot_number();
}

/* splitmix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014) */
static uint64_t env_next_random(struct env *e)
{
	struct stage_env *s = (struct stage_env *)(void *)e;
	uint64_t z = s->random += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void env_wake(struct env *e, uint64_t when_ns)
{
	struct runner *r = ((struct stage_env *)(void *)e)->runner;
	if (when_ns < r->deadline_ns)
		r->deadline_ns = when_ns;
}

static void env_rest(struct env *e, uint64_t when_ns)
{
	struct backend *b = ((struct stage_env *)(void *)e)->runner->backend;
	if (when_ns > b->rest_until_ns)
		b->rest_until_ns = when_ns;
}

static void env_tell(struct env *e, enum say_level level, const char *event, const char *format,
		     va_list args)
{
	static const enum log_level levels[] = {[SAY_DEBUG] = LOG_LEVEL_DEBUG,
						[SAY_INFO] = LOG_LEVEL_INFO,
						[SAY_WARN] = LOG_LEVEL_WARN,
						[SAY_ERROR] = LOG_LEVEL_ERROR};
	log_line_va(levels[level], ((struct stage_env *)(void *)e)->stage, event, format, args);
}

const struct env_ops runner_env_ops = {.now_ns = env_now,
				       .wall_ns = env_wall,
				       .boot = env_boot_number,
				       .random = env_next_random,
				       .wake_at = env_wake,
				       .rest_until = env_rest,
				       .say = env_tell,
				       .read_zone = zone_file_read};

/* The loop */

static void tell_main(struct runner *r)
{
	uint64_t one = 1;
	ssize_t ignored = write(r->ended_event, &one, sizeof one);
	(void)ignored;
}

static bool step_worker(struct runner *r, struct worker *w)
{
	if (w->state == WORKER_ENDED)
		return false;
	enum worker_state before = w->state;
	bool progress = worker_step(w) != STEP_WAIT;
	step_watch_stepped(&r->step_watch, w);
	/* At once, though others on this thread may go on: a failure has to end them. */
	if (w->state != before && (w->state == WORKER_FAILING || w->state == WORKER_ENDED))
		tell_main(r);
	return progress;
}

static bool step_epochs(struct runner *r)
{
	if (!r->epochs || epochs_is_over(r->epochs))
		return false;
	uint64_t failure = counter_get(&r->epochs->shown_failure);
	bool progress = epochs_step(r->epochs) == STEP_MORE;
	if (epochs_is_over(r->epochs) || counter_get(&r->epochs->shown_failure) != failure)
		tell_main(r);
	return progress;
}

static bool step_workers(struct runner *r)
{
	r->deadline_ns = UINT64_MAX;
	r->backend->rest_until_ns = 0;
	bool progress = step_epochs(r);
	step_watch_start(&r->step_watch);
	for (size_t i = 0; i < r->worker_count; i++)
		progress |= step_worker(r, r->workers[i]);
	return progress;
}

static bool poll_and_step(struct runner *r)
{
	counter_set(&r->shown_turns, ++r->turns);
	size_t completed = backend_poll(r->backend);
	return step_workers(r) || completed > 0;
}

static bool all_ended(const struct runner *r)
{
	for (size_t i = 0; i < r->worker_count; i++)
		if (r->workers[i]->state != WORKER_ENDED)
			return false;
	return !r->epochs || epochs_is_over(r->epochs);
}

static bool arm_helped(struct runner *r)
{
	if (r->backend->helping == 0)
		return false;
	r->helped.waiter = &r->sleeper.waiter;
	waitlist_arm(&r->backend->helped.takers, &r->helped);
	return true;
}

static void disarm_helped(struct runner *r)
{
	if (r->helped.waiter)
		waitlist_disarm(&r->backend->helped.takers, &r->helped);
	r->helped.waiter = NULL;
}

static bool arm_all(struct runner *r)
{
	bool any = false;
	for (size_t i = 0; i < r->worker_count; i++)
		any |= worker_arm(r->workers[i], &r->sleeper.waiter);
	if (r->epochs) {
		epochs_arm(r->epochs, &r->sleeper.waiter);
		any = true;
	}
	return arm_helped(r) || any;
}

static void disarm_all(struct runner *r)
{
	for (size_t i = 0; i < r->worker_count; i++)
		worker_disarm(r->workers[i]);
	if (r->epochs)
		epochs_disarm(r->epochs);
	disarm_helped(r);
}

static bool waits_unarmed(struct runner *r)
{
	for (size_t i = 0; i < r->worker_count; i++)
		if (r->workers[i]->state != WORKER_ENDED && worker_waits_unarmed(r->workers[i]))
			return true;
	return r->backend->helping > 0 && !r->helped.waiter;
}

static void sleep_in_backend(struct runner *r, uint64_t deadline_ns)
{
	counter_set(&r->shown_phase, RUNNER_ASLEEP);
	backend_wait(r->backend, deadline_ns);
	counter_set(&r->shown_phase, RUNNER_AWAKE);
}

static void sleep_until_needed(struct runner *r)
{
	if (arm_all(r))
		waiter_barrier();
	if (!poll_and_step(r) && !waits_unarmed(r) && sleeper_may_sleep(&r->sleeper))
		sleep_in_backend(r, r->deadline_ns);
	sleeper_awake(&r->sleeper);
	disarm_all(r);
}

/* While business is brisk the next batch is a matter of microseconds, and looking for it costs less than going to sleep
 * and being woken. After a long sleep, with nobody to look at, or when a worker wants to rest, it is not worth it. True: something
 * was done. */
static bool look_a_while(struct runner *r)
{
	if (!r->brisk || r->backend->rest_until_ns > 0)
		return false;
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + LOOK_NS;
	do {
		for (int i = 0; i < PAUSES_PER_LOOK; i++)
			pause_briefly();
		if (poll_and_step(r))
			return true;
	} while (clock_ns(CLOCK_MONOTONIC) < until);
	return false;
}

static void sleep_timed(struct runner *r)
{
	uint64_t before = clock_ns(CLOCK_MONOTONIC);
	sleep_until_needed(r);
	r->brisk = r->may_look && clock_ns(CLOCK_MONOTONIC) - before < BRISK_NS;
}

static void drain_io(struct runner *r)
{
	while (r->backend->busy > 0) {
		if (arm_helped(r))
			waiter_barrier();
		counter_set(&r->shown_turns, ++r->turns);
		if (backend_poll(r->backend) == 0 && sleeper_may_sleep(&r->sleeper))
			sleep_in_backend(r, UINT64_MAX);
		sleeper_awake(&r->sleeper);
		disarm_helped(r);
	}
}

/* A worker that is alone on its thread and begins anew by itself (daemon/isolation.h): as in the end, nothing may be in flight when its
 * stage is closed. */
static void see_to_halted(struct runner *r)
{
	struct worker *w = r->worker_count == 1 ? r->workers[0] : NULL;
	if (!w || w->state != WORKER_HALTED)
		return;
	if (!w->isolation.is_closed) {
		backend_cancel_all(r->backend);
		drain_io(r);
		isolation_close(w);
		drain_io(r);
	}
	if (isolation_is_due(w))
		worker_go_on(w);
	if (w->state == WORKER_FAILING)
		tell_main(r);
}

static void run_workers(struct runner *r)
{
	while (!all_ended(r)) {
		see_to_halted(r);
		if (!poll_and_step(r) && !look_a_while(r))
			sleep_timed(r);
	}
}

static void open_workers(struct runner *r)
{
	for (size_t i = 0; i < r->worker_count; i++) {
		int error = worker_open(r->workers[i]);
		if (error < 0)
			worker_open_failed(r->workers[i], error);
	}
}

/* Stages can be closed only when no operation points into them any more; and in closing they hand in descriptors. */
static void close_workers(struct runner *r)
{
	backend_cancel_all(r->backend);
	drain_io(r);
	for (size_t i = 0; i < r->worker_count; i++)
		worker_close(r->workers[i]);
	drain_io(r);
}

static int open_backend(struct runner *r)
{
	int error = r->backend ? 0 : backend_open(&r->backend, r->backend_kind, r->helpers);
	if (error < 0) {
		log_line(LOG_LEVEL_ERROR, NULL, "no I/O backend", "thread=%s error=%s", r->name,
			 strerror(-error));
		return error;
	}
	for (size_t i = 0; i < r->env_count; i++)
		r->envs[i].env.io = &r->backend->io;
	return 0;
}

void runner_abandon(struct runner *r, int error)
{
	for (size_t i = 0; i < r->worker_count; i++) {
		worker_fail(r->workers[i], error);
		while (worker_step(r->workers[i]) != STEP_DONE)
			;
	}
}

static void *runner_main(void *argument)
{
	struct runner *r = argument;
	pthread_setname_np(pthread_self(), r->name);
	step_watch_begin(&r->step_watch);
	int error = open_backend(r);
	if (error < 0) {
		runner_abandon(r, error);
	} else {
		open_workers(r);
		counter_set(&r->shown_phase, RUNNER_AWAKE);
		tell_main(r);
		run_workers(r);
		close_workers(r);
	}
	step_watch_end(&r->step_watch);
	counter_set(&r->shown_phase, RUNNER_THROUGH);
	tell_main(r);
	return NULL;
}

static void rouse(struct sleeper *s)
{
	backend_wake(((struct runner *)(void *)s)->backend);
}

void runner_init(struct runner *r)
{
	sleeper_init(&r->sleeper, rouse);
}

int runner_start(struct runner *r)
{
	int error = pthread_create(&r->thread, NULL, runner_main, r);
	if (error)
		return -error;
	r->started = true;
	return 0;
}

void runner_wake(struct runner *r)
{
	sleeper_wake(&r->sleeper);
}

bool runner_is_open(const struct runner *r)
{
	return counter_get(&r->shown_phase) != RUNNER_OPENING;
}

bool runner_is_asleep(const struct runner *r)
{
	return counter_get(&r->shown_phase) == RUNNER_ASLEEP;
}

bool runner_is_under_way(const struct runner *r)
{
	return r->started && !runner_is_through(r);
}

bool runner_is_through(const struct runner *r)
{
	return counter_get(&r->shown_phase) == RUNNER_THROUGH;
}

uint64_t runner_turns(const struct runner *r)
{
	return counter_get(&r->shown_turns);
}

bool runner_has_reason(const struct runner *r)
{
	for (size_t i = 0; i < r->worker_count; i++)
		if (!worker_has_reason(r->workers[i]))
			return false;
	return true;
}

void runner_join(struct runner *r)
{
	if (r->started)
		pthread_join(r->thread, NULL);
	r->started = false;
}

void runner_release(struct runner *r)
{
	assert(!r->started);
	backend_close(r->backend);
	r->backend = NULL;
}
