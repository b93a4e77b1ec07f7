#include "tests/unit/daemon/stopped_world.h"
#include "tests/sim/sim_wire.h"
#include "tests/unit/daemon/fake_table.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>

enum { ENDS_BY_MOVES = 400000, AGAIN_WITHIN_MOVES = 400, INTERVAL_NS = 200000 };

void stopped_world_begin(struct stopped_world *w, const char *yaml, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	waiter_setup(true);
	w->clock = (struct sim_clock){.now_ns = 1, .wall_ns = 1};
	w->random.state = seed;
	w->interval_ns = INTERVAL_NS;
	w->faults = (struct sim_faults){.slow = 500, .slow_ns = 50000};
	sim_story_init(&w->story, false, &w->clock.now_ns);
	sim_fs_init(&w->fs, seed, &w->clock.wall_ns, true);
	w->fs.capacity = UINT64_MAX;
	sim_fs_mount(&w->fs, "/state", false, true);
	fake_load(&w->topology, &w->plan, yaml);
}

void stopped_world_end(struct stopped_world *w)
{
	sim_fs_release(&w->fs);
	plan_release(&w->plan);
	topology_release(&w->topology);
	sim_story_release(&w->story);
	fake_tables_forget();
	sim_wires_forget();
	fake_forget();
}

void stopped_world_start(struct stopped_world *w)
{
	int r = sim_recovery_begin(&w->recovery, &w->topology, &w->fs, &w->clock, &w->story,
				   &w->faults, &w->happened, sim_random_fork(&w->random), UINT_MAX);
	cr_assert_eq(r, 0);
	w->recovery.memory.options.interval_ns = w->interval_ns;
	r = sim_run_begin(&w->run, &w->plan, true, &w->fs, &w->clock, &w->story, &w->faults,
			  &w->happened, sim_random_fork(&w->random), &w->recovery.memory);
	cr_assert_eq(r, 0);
}

bool stopped_world_run(struct stopped_world *w, uint64_t moves)
{
	for (uint64_t i = 0; i < moves; i++) {
		enum sim_move m = sim_run_move(&w->run);
		if (m == SIM_ENDED)
			return true;
		cr_assert_neq(m, SIM_SPINS);
		if (m == SIM_IDLE) {
			cr_assert_neq(sim_run_next_ns(&w->run), UINT64_MAX, "nobody can go on");
			sim_clock_to(&w->run, sim_run_next_ns(&w->run));
		}
	}
	return false;
}

void stopped_world_stop(struct stopped_world *w, enum stop how)
{
	if (how == STOP_CRASH)
		sim_fs_crash(&w->fs);
	else
		sim_fs_kill(&w->fs);
	sim_run_crash(&w->run);
	sim_recovery_end(&w->recovery, true);
}

void stopped_world_end_well(struct stopped_world *w)
{
	cr_assert(stopped_world_run(w, ENDS_BY_MOVES), "it does not come to its end");
	cr_assert_null(pipeline_failed(&w->run.pipeline));
	sim_run_end(&w->run);
	sim_recovery_end(&w->recovery, false);
}

void stopped_world_stop_and_end(struct stopped_world *w, uint64_t move, enum stop how)
{
	stopped_world_stop(w, how);
	stopped_world_start(w);
	if (move % 3 == 0 && !stopped_world_run(w, sim_below(&w->random, AGAIN_WITHIN_MOVES))) {
		stopped_world_stop(w, how);
		stopped_world_start(w);
	}
	stopped_world_end_well(w);
}
