#include "tests/sim/sim_machine.h"

#include <inttypes.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

void sim_machine_init(struct sim_machine *m, uint64_t seed, bool told)
{
	*m = (struct sim_machine){.random = {.state = seed}};
	sim_story_init(&m->story, told, &m->clock.now_ns);
	sim_current_story = &m->story;
}

void sim_machine_release(struct sim_machine *m)
{
	if (m->run.begun) /* it did not come to its end: what it holds is let go as by a crash */
		sim_run_crash(&m->run);
	sim_recovery_end(&m->recovery, true);
	sim_fs_release(&m->fs);
	plan_release(&m->plan);
	topology_release(&m->topology);
	sim_story_release(&m->story);
	sim_current_story = NULL;
}

void sim_machine_set_clock(struct sim_machine *m)
{
	m->clock = (struct sim_clock){.now_ns = 1 + sim_below(&m->random, 1000 * SECOND_NS),
				      .wall_ns = (int64_t)(1700000000 * SECOND_NS),
				      .boot = 1};
}

void sim_machine_choose_faults(struct sim_machine *m, uint64_t slowest_ns)
{
	static const unsigned often[] = {0, 0, 20, 200, 800};
	struct sim_random *r = &m->random;
	struct sim_faults *f = &m->faults;
	enum { CHOICES = sizeof often / sizeof *often };
	f->short_reads = often[sim_below(r, CHOICES)];
	f->short_writes = often[sim_below(r, CHOICES)];
	f->interrupted = sim_chance(r, 300) ? 50 : 0;
	f->slow = often[sim_below(r, CHOICES)];
	f->slow_ns = sim_chance(r, 500) ? SECOND_NS / 1000 : slowest_ns;
	f->left_over = sim_chance(r, 300) ? 200 : 0;
}

/* ---- one process after the other ---- */

int sim_machine_recover(struct sim_machine *m, unsigned steps)
{
	return sim_recovery_begin(&m->recovery, &m->topology, &m->fs, &m->clock, &m->story,
				  &m->faults, &m->happened, sim_random_fork(&m->random), steps);
}

bool sim_machine_recovery_failed(struct sim_machine *m, int error)
{
	bool at_fault = sim_machine_was_at_fault(m);
	sim_story_add(&m->story, "world      recovery fails: %s", strerrorname_np(-error));
	sim_recovery_end(&m->recovery, false);
	sim_machine_calm(m);
	if (m->room_ns > 0)
		sim_machine_empty_disk(m);
	return at_fault;
}

int sim_machine_run(struct sim_machine *m, bool once, const struct pipeline_memory *memory)
{
	m->stopping = false;
	return sim_run_begin(&m->run, &m->plan, once, &m->fs, &m->clock, &m->story, &m->faults,
			     &m->happened, sim_random_fork(&m->random), memory);
}

bool sim_machine_stop(struct sim_machine *m, const char *why)
{
	if (m->stopping)
		return false;
	m->stopping = true;
	sim_story_add(&m->story, "world      stops the pipeline%s%s", why ? ": " : "",
		      why ? why : "");
	pipeline_stop(&m->run.pipeline);
	for (size_t i = 0; i < m->run.pipeline.runner_count; i++)
		m->run.runners[i].woken = true;
	return true;
}

void sim_machine_end(struct sim_machine *m)
{
	m->moves += m->run.moves;
	sim_run_end(&m->run);
	sim_recovery_end(&m->recovery, false);
}

void sim_machine_break_off(struct sim_machine *m, bool crash)
{
	sim_story_add(&m->story, crash ? "world      CRASHES" : "world      KILLS the process");
	if (crash)
		sim_fs_crash(&m->fs);
	else
		sim_fs_kill(&m->fs);
	m->clock.boot += crash;
	if (m->run.begun) {
		m->moves += m->run.moves;
		sim_run_crash(&m->run);
	}
	sim_recovery_end(&m->recovery, true);
	/* nobody was told */
	m->happened.read_errors = m->happened.write_errors = m->happened.sync_errors = 0;
}

/* ---- what goes wrong ---- */

bool sim_machine_has_failed(struct sim_machine *m)
{
	return pipeline_failed(&m->run.pipeline) || pipeline_log_failure(&m->run.pipeline) < 0;
}

bool sim_machine_was_at_fault(const struct sim_machine *m)
{
	const struct sim_happened *h = &m->happened;
	return h->read_errors > 0 || h->write_errors > 0 || h->sync_errors > 0 || m->room_ns > 0;
}

void sim_machine_calm(struct sim_machine *m)
{
	m->faults.read_errors = m->faults.write_errors = m->faults.sync_errors = 0;
	m->happened.read_errors = m->happened.write_errors = m->happened.sync_errors = 0;
}

void sim_machine_fill_disk(struct sim_machine *m, uint64_t bytes)
{
	m->fs.capacity = m->fs.used + sim_below(&m->random, bytes);
	m->room_ns = m->clock.now_ns + sim_below(&m->random, 10 * SECOND_NS);
	sim_story_add(&m->story, "world      has room for %ju bytes more",
		      (uintmax_t)(m->fs.capacity - m->fs.used));
}

void sim_machine_empty_disk(struct sim_machine *m)
{
	m->room_ns = 0;
	m->fs.capacity = UINT64_MAX;
	sim_story_add(&m->story, "world      has room again");
}
