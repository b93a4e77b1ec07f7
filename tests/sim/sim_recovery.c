#include "tests/sim/sim_recovery.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int step_dir(void *dir)
{
	return state_dir_step(dir);
}

static int step_log(void *log)
{
	return epoch_log_step(log);
}

static void wait(struct sim_recovery *r)
{
	uint64_t next = sim_io_next_ns(r->io);
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
			wait(r);
	}
}

int sim_recovery_begin(struct sim_recovery *r, const struct topology *t, struct sim_fs *fs,
		       struct sim_clock *clock, struct sim_story *story,
		       const struct sim_faults *faults, struct sim_happened *happened,
		       struct sim_random random, unsigned steps)
{
	*r = (struct sim_recovery){.clock = clock, .begun = true, .steps_left = steps};
	r->io = sim_io_new(fs, random, story, faults, happened, &clock->now_ns, "recovery");
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
