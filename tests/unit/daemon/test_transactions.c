/* A sink that writes to a database with transactions: whenever the machine stops, every row is in its table once. */
#include "tests/unit/daemon/fake_table.h"
#include "tests/unit/daemon/stopped_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

enum { NUMBERS = 600, ENDS_BY_MOVES = 400000, FIRST_OF_B = 100000 };

static const char yaml[] =
    "name: test\nmemory: 1MiB\n"
    "epoch: {interval: 1ms}\n"
    "sources:\n"
    "  a: {type: numbers, count: 600, per_batch: 7}\n"
    "  b: {type: numbers, count: 600, first: 100000, per_batch: 5}\n"
    "transforms: {l: {type: labour, turns: 1, inputs: [a, b], workers: 2, queue: {capacity: 2}}}\n"
    "sinks: {all: {type: table, inputs: [l]}, bs: {type: table, inputs: [b]}}\n";

/* Where the tables' newest transactions stood when it was ended, for the record. */
struct moments {
	size_t nothing_prepared, prepared, recorded, settled;
};

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

static void assert_all_whole(void)
{
	assert_whole("all", true);
	assert_whole("bs", false);
}

static void end_well(struct stopped_world *w)
{
	stopped_world_end_well(w);
	assert_all_whole();
}

static uint64_t recorded(struct stopped_world *w, const char *sink)
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

static void note_moment(struct stopped_world *w, const char *sink, struct moments *m)
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
	struct stopped_world w;
	stopped_world_begin(&w, yaml, seed);
	stopped_world_start(&w);
	end_well(&w);
	cr_assert_gt(fake_table("all")->held, 3, "few epochs");
	uint64_t moves = w.run.moves;
	stopped_world_end(&w);
	return moves;
}

/* Stopped at that move, and now and then once more soon after it was begun again. */
static void stop_at(uint64_t seed, uint64_t move, enum stop how, struct moments *m)
{
	struct stopped_world w;
	stopped_world_begin(&w, yaml, seed);
	stopped_world_start(&w);
	if (stopped_world_run(&w, move)) {
		end_well(&w);
		stopped_world_end(&w);
		return;
	}
	note_moment(&w, "all", m);
	stopped_world_stop_and_end(&w, move, how);
	assert_all_whole();
	stopped_world_end(&w);
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
	struct stopped_world w;
	stopped_world_begin(&w, yaml, 1);
	stopped_world_start(&w);
	end_well(&w);
	fake_table("all")->held--;
	stopped_world_start(&w);
	cr_assert(stopped_world_run(&w, ENDS_BY_MOVES));
	cr_assert_not_null(pipeline_failed(&w.run.pipeline));
	cr_assert(fake_table("all")->refused);
	sim_run_end(&w.run);
	sim_recovery_end(&w.recovery, false);
	stopped_world_end(&w);
}

Test(transactions, last_one_that_cannot_be_committed_fails_and_is_committed_at_the_next_start)
{
	struct stopped_world w;
	stopped_world_begin(&w, yaml, 1);
	fake_table("all")->gone = true;
	stopped_world_start(&w);
	cr_assert(stopped_world_run(&w, ENDS_BY_MOVES));
	cr_assert_not_null(pipeline_failed(&w.run.pipeline));
	sim_run_end(&w.run);
	sim_recovery_end(&w.recovery, false);
	cr_assert_gt(fake_table("all")->prepared_count, 0);
	fake_table("all")->gone = false;
	stopped_world_start(&w);
	end_well(&w);
	cr_assert_gt(fake_table("all")->committed_late, 0);
	stopped_world_end(&w);
}
