/* A source that can't be read again, with a journal, in front of a sink with transactions: whenever the machine stops, nothing that was
 * answered is lost, and nothing comes out twice. */
#include "tests/sim/sim_recovery.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/fake_table.h"
#include "tests/sim/sim_wire.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>

enum { NUMBERS = 900, ENDS_BY_MOVES = 400000, AGAIN_WITHIN_MOVES = 400, INTERVAL_NS = 200000 };

#define YAML(journal)                                                                              \
	"name: test\nmemory: 1MiB\nepoch: {interval: 1ms}\n"                                       \
	"sources: {w: {type: wire, count: 900, per_batch: 7, " journal "}}\n"                      \
	"transforms: {l: {type: labour, inputs: [w], queue: {capacity: 2}}}\n"                     \
	"sinks: {all: {type: table, inputs: [l]}}\n"

enum stop { STOP_KILL, STOP_CRASH };

struct world {
	struct topology topology;
	struct plan plan;
	struct sim_fs fs;
	struct sim_clock clock;
	struct sim_story story;
	struct sim_faults faults;
	struct sim_happened happened;
	struct sim_random random;
	struct sim_recovery recovery;
	struct sim_run run;
};

static void begin(struct world *w, const char *yaml, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	waiter_setup(true);
	w->clock = (struct sim_clock){.now_ns = 1, .wall_ns = 1};
	w->random.state = seed;
	w->faults = (struct sim_faults){
	    .slow = 500, .slow_ns = 50000, .short_writes = 200, .interrupted = 50};
	sim_story_init(&w->story, false, &w->clock.now_ns);
	sim_fs_init(&w->fs, seed, &w->clock.wall_ns, true);
	w->fs.capacity = UINT64_MAX;
	sim_fs_mount(&w->fs, "/state", false, true);
	fake_load(&w->topology, &w->plan, yaml);
}

static void end(struct world *w)
{
	sim_fs_release(&w->fs);
	plan_release(&w->plan);
	topology_release(&w->topology);
	sim_story_release(&w->story);
	fake_tables_forget();
	sim_wires_forget();
	fake_forget();
}

static void start(struct world *w)
{
	int r = sim_recovery_begin(&w->recovery, &w->topology, &w->fs, &w->clock, &w->story,
				   &w->faults, &w->happened, sim_random_fork(&w->random), UINT_MAX);
	cr_assert_eq(r, 0);
	w->recovery.memory.options.interval_ns = INTERVAL_NS;
	r = sim_run_begin(&w->run, &w->plan, true, &w->fs, &w->clock, &w->story, &w->faults,
			  &w->happened, sim_random_fork(&w->random), &w->recovery.memory);
	cr_assert_eq(r, 0);
}

/* Until it ends by itself (true), or so many moves have been made. */
static bool run(struct world *w, uint64_t moves)
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

static void stop(struct world *w, enum stop how)
{
	if (how == STOP_CRASH)
		sim_fs_crash(&w->fs);
	else
		sim_fs_kill(&w->fs);
	sim_run_crash(&w->run);
	sim_recovery_end(&w->recovery, true);
}

/* all: whatever was sent came out. */

static void assert_kept(bool promises, bool all)
{
	const struct fake_table *t = fake_table("all");
	const struct sim_wire *peer = sim_wire("w");
	uint64_t next = 0;
	for (size_t i = 0; i < t->rows.count; i++) {
		uint64_t number = t->rows.numbers[i];
		cr_assert_geq(number, next, "%ju came twice, or late", (uintmax_t)number);
		for (; next < number; next++)
			cr_assert(!all && !(promises && peer->is_answered[next]),
				  "%ju was answered, and is lost", (uintmax_t)next);
		next++;
	}
	for (; next < NUMBERS; next++)
		cr_assert(!all && !(promises && peer->is_answered[next]),
			  "%ju was answered, and is lost", (uintmax_t)next);
	cr_assert_not(t->refused);
}

static void end_well(struct world *w)
{
	cr_assert(run(w, ENDS_BY_MOVES), "it does not come to its end");
	cr_assert_null(pipeline_failed(&w->run.pipeline));
	sim_run_end(&w->run);
	sim_recovery_end(&w->recovery, false);
}

static uint64_t moves_of_whole_run(const char *yaml, uint64_t seed)
{
	static struct world w;
	begin(&w, yaml, seed);
	start(&w);
	end_well(&w);
	assert_kept(true, true);
	cr_assert_gt(fake_table("all")->held, 3, "few epochs");
	uint64_t moves = w.run.moves;
	end(&w);
	return moves;
}

/* Stopped at that move, and now and then once more soon after it was begun again. */
static void stop_at(const char *yaml, uint64_t seed, uint64_t move, enum stop how, bool promises)
{
	static struct world w;
	begin(&w, yaml, seed);
	start(&w);
	if (!run(&w, move)) {
		stop(&w, how);
		start(&w);
		if (move % 3 == 0 && !run(&w, sim_below(&w.random, AGAIN_WITHIN_MOVES))) {
			stop(&w, how);
			start(&w);
		}
	}
	end_well(&w);
	assert_kept(promises, false);
	end(&w);
}

static void stop_everywhere(const char *yaml, enum stop how, unsigned stride, bool promises)
{
	const uint64_t seed = 7;
	uint64_t moves = moves_of_whole_run(yaml, seed);
	for (uint64_t move = 0; move < moves; move += stride)
		stop_at(yaml, seed, move, how, promises);
}

static const char journaled[] = YAML("journal: {max_size: 64KiB}");
static const char committed[] = YAML("journal: {max_size: 64KiB}, ack: committed");
static const char received[] = YAML("journal: {max_size: 64KiB}, ack: received");
static const char unjournaled[] = YAML("ack: committed");

Test(journal, nothing_answered_is_lost_and_nothing_comes_twice_wherever_the_machine_crashes,
     .timeout = 240)
{
	stop_everywhere(journaled, STOP_CRASH, 1, true);
}

Test(journal, nothing_answered_is_lost_and_nothing_comes_twice_wherever_the_process_is_killed,
     .timeout = 240)
{
	stop_everywhere(journaled, STOP_KILL, 2, true);
}

Test(journal, what_was_answered_when_committed_is_never_lost, .timeout = 240)
{
	stop_everywhere(committed, STOP_CRASH, 3, true);
}

Test(journal, without_one_what_was_answered_when_committed_is_never_lost, .timeout = 240)
{
	stop_everywhere(unjournaled, STOP_CRASH, 3, true);
}

Test(journal, what_was_answered_at_once_may_be_lost_but_comes_once, .timeout = 240)
{
	stop_everywhere(received, STOP_CRASH, 7, false);
}

Test(journal, everything_comes_out_when_nothing_happens)
{
	static const char *const all[] = {journaled, committed, received, unjournaled};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		for (uint64_t seed = 1; seed <= 10; seed++)
			moves_of_whole_run(all[i], seed);
}
