#include "tests/sim/sim_recovery.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static int step_dir(void *dir)
{
	return state_dir_step(dir);
}

static int step_log(void *log)
{
	return epoch_log_step(log);
}

static void wait_until(struct sim_recovery *r, uint64_t next)
{
	if (next == UINT64_MAX || next <= r->clock->now_ns)
		return;
	r->clock->wall_ns += (int64_t)(next - r->clock->now_ns);
	r->clock->now_ns = next;
}

static int carry_through(struct sim_recovery *r, int (*step)(void *machine), void *machine)
{
	for (;;) {
		if (r->steps_left != UINT_MAX && r->steps_left-- == 0)
			return -EINTR;
		int result = step(machine);
		if (result == STEP_DONE || result < 0)
			return result < 0 ? result : 0;
		if (backend_poll(&r->io->backend) == 0 && result == STEP_WAIT)
			wait_until(r, sim_io_next_ns(r->io));
	}
}

int sim_recovery_begin(struct sim_recovery *r, const struct topology *t, struct sim_fs *fs,
		       struct sim_clock *clock, struct sim_story *story,
		       const struct sim_faults *faults, struct sim_happened *happened,
		       struct sim_random random, unsigned steps)
{
	*r = (struct sim_recovery){.clock = clock,
				   .fs = fs,
				   .story = story,
				   .faults = *faults,
				   .begun = true,
				   .steps_left = steps};
	r->faults.too_many_open = 0; /* it has only just begun */
	r->io = sim_io_new(fs, random, story, &r->faults, happened, &clock->now_ns, "recovery");
	r->dir.fd = -1;
	int result = state_dir_open(&r->dir, &r->io->backend.io, SIM_STATE_DIR, 1);
	if (result == 0)
		result = carry_through(r, step_dir, &r->dir);
	if (result < 0)
		return result;
	r->log_begun = true;
	result = epoch_log_open(&r->log, &r->io->backend.io, r->dir.fd, t->name.bytes);
	if (result == 0)
		result = carry_through(r, step_log, &r->log);
	r->memory = (struct pipeline_memory){
	    .log = &r->log,
	    .state_dir = SIM_STATE_DIR,
	    .options = {.interval_ns = t->epoch.interval_ns, .bytes = t->epoch.bytes},
	};
	return result;
}

/* ---- leftovers ---- */

static struct sim_recovery *from_env(struct env *e)
{
	return (struct sim_recovery *)(void *)e;
}

static uint64_t env_now(struct env *e)
{
	return from_env(e)->clock->now_ns;
}

static int64_t env_wall(struct env *e)
{
	return from_env(e)->clock->wall_ns;
}

static uint64_t env_boot_number(struct env *e)
{
	return from_env(e)->clock->boot;
}

static uint64_t env_next_random(struct env *e)
{
	return sim_random_next(&from_env(e)->random);
}

static void env_wake(struct env *e, uint64_t when_ns)
{
	if (when_ns < from_env(e)->deadline_ns)
		from_env(e)->deadline_ns = when_ns;
}

static void env_tell(struct env *e, enum say_level level, const char *event, const char *format,
		     va_list args)
{
	char text[200];
	(void)level;
	vsnprintf(text, sizeof text, format, args);
	sim_story_add(from_env(e)->story, "recovery   says: %s %s", event, text);
}

static const struct env_ops recovery_env_ops = {.now_ns = env_now,
						.wall_ns = env_wall,
						.boot = env_boot_number,
						.random = env_next_random,
						.wake_at = env_wake,
						.say = env_tell};

static void be_about(struct leftovers_host *h, const char *sink)
{
	sim_story_add(from_env(h->env)->story, "recovery   sees to %s", sink ? sink : "the record");
}

static int pass(struct leftovers_host *h, bool idle)
{
	struct sim_recovery *r = from_env(h->env);
	uint64_t next = sim_io_next_ns(r->io);
	if (r->steps_left != UINT_MAX && r->steps_left-- == 0) {
		r->io->dead = true;
		return -EINTR;
	}
	if (!idle)
		return 0;
	if (r->deadline_ns < next)
		next = r->deadline_ns;
	if (next == UINT64_MAX)
		return -EDEADLK; /* nobody would ever go on */
	wait_until(r, next);
	r->deadline_ns = UINT64_MAX;
	if (r->room_ns > 0 && r->clock->now_ns >= r->room_ns)
		r->fs->capacity = UINT64_MAX;
	return 0;
}

int sim_recovery_see_to_leftovers(struct sim_recovery *r, const struct topology *t,
				  struct sim_random random, uint64_t room_ns, unsigned steps)
{
	r->env = (struct env){.ops = &recovery_env_ops, .io = &r->io->backend.io};
	r->host = (struct leftovers_host){
	    .env = &r->env, .backend = &r->io->backend, .about = be_about, .pass = pass};
	r->random = random;
	r->deadline_ns = UINT64_MAX;
	r->room_ns = room_ns;
	r->steps_left = steps;
	int result = leftovers_bring_back(&r->host, t, &r->log, r->dir.fd, SIM_STATE_DIR, false);
	/* It may have been done by then, but for a descriptor to be closed. */
	return r->io->dead && result == 0 ? -EINTR : result;
}

/* ---- ending ---- */

static void drain(struct sim_recovery *r)
{
	sim_io_hurry(r->io);
	while (r->io->backend.busy > 0)
		backend_poll(&r->io->backend);
}

void sim_recovery_end(struct sim_recovery *r, bool killed)
{
	if (!r->begun)
		return;
	r->io->dead |= killed;
	drain(r);
	if (r->log_begun)
		epoch_log_release(&r->log);
	state_dir_release(&r->dir);
	drain(r);
	backend_close(&r->io->backend);
	r->begun = false;
}
