/* A sink that writes to a database with transactions: whenever the machine stops, every row is in its table once. */
#include "tests/sim/sim_recovery.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/fake_table.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum {
	NUMBERS = 600,
	ENDS_BY_MOVES = 200000,
	AGAIN_WITHIN_MOVES = 400,
	FIRST_OF_B = 100000,
	INTERVAL_NS = 200000
};

static const char yaml[] =
    "name: test\nmemory: 1MiB\n"
    "epoch: {interval: 1ms}\n"
    "sources:\n"
    "  a: {type: numbers, count: 600, per_batch: 7}\n"
    "  b: {type: numbers, count: 600, first: 100000, per_batch: 5}\n"
    "transforms: {l: {type: labour, inputs: [a, b], workers: 2, queue: {capacity: 2}}}\n"
    "sinks: {all: {type: table, inputs: [l]}, bs: {type: table, inputs: [b]}}\n";

/* How a process is ended from outside. */
enum stop { STOP_NEVER, STOP_KILL, STOP_CRASH };

/* Where the tables' newest transactions stood when it was ended, for the record. */
struct moments {
	size_t nothing_prepared, prepared, recorded, settled;
};

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

static void begin(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	waiter_setup(true);
	w->clock = (struct sim_clock){.now_ns = 1, .wall_ns = 1};
	w->random.state = seed;
	w->faults = (struct sim_faults){.slow = 500, .slow_ns = 50000};
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

/* Twice the same number, or one that was not asked for, is a mistake; the order is each source's. */
static void assert_whole(const char *sink, bool both)
{
	const struct fake_table *t = fake_table(sink);
	uint64_t next[2] = {0, FIRST_OF_B};
	for (size_t i = 0; i < t->rows.count; i++) {
		uint64_t *of = &next[t->rows.numbers[i] >= FIRST_OF_B];
		cr_assert_eq(t->rows.numbers[i], *of, "%s, row %zu: %ju where %ju was due", sink, i,
			     (uintmax_t)t->rows.numbers[i], (uintmax_t)*of);
		++*of;
	}
	cr_assert_eq(next[0], both ? NUMBERS : 0);
	cr_assert_eq(next[1], FIRST_OF_B + NUMBERS);
	cr_assert_eq(t->prepared_count, 0, "%s: a transaction was left open", sink);
	cr_assert_not(t->refused);
}

static void end_well(struct world *w)
{
	cr_assert(run(w, ENDS_BY_MOVES), "it does not come to its end");
	cr_assert_null(pipeline_failed(&w->run.pipeline));
	sim_run_end(&w->run);
	sim_recovery_end(&w->recovery, false);
	assert_whole("all", true);
	assert_whole("bs", false);
}

static uint64_t recorded(struct world *w, const char *sink)
{
	char id[64];
	uint64_t number = 0;
	snprintf(id, sizeof id, "table:%s", sink);
	const struct epoch_entry *e =
	    w->recovery.log_begun ? epoch_map_find(&w->recovery.log.map, id, "number", 6) : NULL;
	if (e)
		memcpy(&number, epoch_entry_value(e), sizeof number);
	return number;
}

static void note_moment(struct world *w, const char *sink, struct moments *m)
{
	const struct fake_table *t = fake_table(sink);
	uint64_t of_record = recorded(w, sink);
	uint64_t prepared = t->prepared_count ? t->prepared[0].number : 0;
	m->nothing_prepared += prepared == 0 && t->held == of_record;
	m->prepared += prepared > of_record;
	m->recorded += prepared > 0 && prepared <= of_record;
	m->settled += prepared == 0 && t->held == of_record && t->held > 0;
}

static uint64_t moves_of_whole_run(uint64_t seed)
{
	struct world w;
	begin(&w, seed);
	start(&w);
	end_well(&w);
	cr_assert_gt(fake_table("all")->held, 3, "few epochs");
	uint64_t moves = w.run.moves;
	end(&w);
	return moves;
}

/* Stopped at that move, and now and then once more soon after it was begun again. */
static void stop_at(uint64_t seed, uint64_t move, enum stop how, struct moments *m)
{
	struct world w;
	begin(&w, seed);
	start(&w);
	if (run(&w, move)) {
		end_well(&w);
		end(&w);
		return;
	}
	note_moment(&w, "all", m);
	stop(&w, how);
	start(&w);
	if (move % 3 == 0 && !run(&w, sim_below(&w.random, AGAIN_WITHIN_MOVES))) {
		stop(&w, how);
		start(&w);
	}
	end_well(&w);
	end(&w);
}

static void stop_everywhere(enum stop how)
{
	const uint64_t seed = 7;
	struct moments m = {0};
	uint64_t moves = moves_of_whole_run(seed);
	for (uint64_t move = 0; move < moves; move += how == STOP_CRASH ? 3 : 2)
		stop_at(seed, move, how, &m);
	cr_assert_gt(m.nothing_prepared, 0);
	cr_assert_gt(m.prepared, 0, "never between prepare and record");
	cr_assert_gt(m.recorded, 0, "never between record and commit");
	cr_assert_gt(m.settled, 0);
}

Test(transactions, rows_are_in_the_table_once_wherever_the_process_is_killed, .timeout = 120)
{
	stop_everywhere(STOP_KILL);
}

Test(transactions, rows_are_in_the_table_once_wherever_the_machine_crashes, .timeout = 120)
{
	stop_everywhere(STOP_CRASH);
}

/* Nobody would finish it until the next start. */
Test(transactions, last_one_is_committed_before_the_pipeline_ends)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		moves_of_whole_run(seed);
}

Test(transactions, table_that_lost_what_was_committed_is_refused)
{
	struct world w;
	begin(&w, 1);
	start(&w);
	end_well(&w);
	fake_table("all")->held--;
	start(&w);
	cr_assert(run(&w, ENDS_BY_MOVES));
	cr_assert_not_null(pipeline_failed(&w.run.pipeline));
	cr_assert(fake_table("all")->refused);
	sim_run_end(&w.run);
	sim_recovery_end(&w.recovery, false);
	end(&w);
}

Test(transactions, last_one_that_cannot_be_committed_fails_and_is_committed_at_the_next_start)
{
	struct world w;
	begin(&w, 1);
	fake_table("all")->gone = true;
	start(&w);
	cr_assert(run(&w, ENDS_BY_MOVES));
	cr_assert_not_null(pipeline_failed(&w.run.pipeline));
	sim_run_end(&w.run);
	sim_recovery_end(&w.recovery, false);
	cr_assert_gt(fake_table("all")->prepared_count, 0);
	fake_table("all")->gone = false;
	start(&w);
	end_well(&w);
	cr_assert_gt(fake_table("all")->committed_late, 0);
	end(&w);
}
