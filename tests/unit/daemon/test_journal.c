/* A source that can't be read again, with a journal, in front of a sink with transactions: whenever the machine stops, nothing that was
 * answered is lost, and nothing comes out twice. */
#include "tests/sim/sim_wire.h"
#include "tests/unit/daemon/fake_table.h"
#include "tests/unit/daemon/stopped_world.h"

#include <criterion/criterion.h>

enum { NUMBERS = 900 };

#define YAML(journal)                                                                              \
	"name: test\nmemory: 1MiB\nepoch: {interval: 1ms}\n"                                       \
	"sources: {w: {type: wire, count: 900, per_batch: 7, " journal "}}\n"                      \
	"transforms: {l: {type: labour, turns: 1, inputs: [w], queue: {capacity: 2}}}\n"           \
	"sinks: {all: {type: table, inputs: [l]}}\n"

static void begin(struct stopped_world *w, const char *yaml, uint64_t seed)
{
	stopped_world_begin(w, yaml, seed);
	w->faults.short_writes = 200;
	w->faults.interrupted = 50;
}

/* Those did not come out: nobody was promised any of them. */
static void assert_may_lack(uint64_t from, uint64_t to, bool promises, bool all)
{
	const struct sim_wire *peer = sim_wire("w");
	for (uint64_t number = from; number < to; number++)
		cr_assert(!all && !(promises && peer->is_answered[number]),
			  "%ju was answered, and is lost", (uintmax_t)number);
}

/* all: whatever was sent came out. */
static void assert_kept(bool promises, bool all)
{
	const struct fake_table *t = fake_table("all");
	uint64_t next = 0;
	for (size_t i = 0; i < t->rows.count; i++) {
		uint64_t number = t->rows.numbers[i];
		cr_assert_geq(number, next, "%ju came twice, or late", (uintmax_t)number);
		assert_may_lack(next, number, promises, all);
		next = number + 1;
	}
	assert_may_lack(next, NUMBERS, promises, all);
	cr_assert_not(t->refused);
}

static uint64_t moves_of_whole_run(const char *yaml, uint64_t seed)
{
	static struct stopped_world w;
	begin(&w, yaml, seed);
	stopped_world_start(&w);
	stopped_world_end_well(&w);
	assert_kept(true, true);
	cr_assert_gt(fake_table("all")->held, 3, "few epochs");
	uint64_t moves = w.run.moves;
	stopped_world_end(&w);
	return moves;
}

/* Stopped at that move, and now and then once more soon after it was begun again. */
static void stop_at(const char *yaml, uint64_t seed, uint64_t move, enum stop how, bool promises)
{
	static struct stopped_world w;
	begin(&w, yaml, seed);
	stopped_world_start(&w);
	if (stopped_world_run(&w, move))
		stopped_world_end_well(&w);
	else
		stopped_world_stop_and_end(&w, move, how);
	assert_kept(promises, false);
	stopped_world_end(&w);
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

/* ---- readers that stand still ---- */

/* As few buffers as a source has at least. A record takes 16 bytes of the 64 KiB, and a batch's worth at the end is not filled. */
enum {
	STUCK_COUNT = 20000,
	FEW_COUNT = 1000,
	JOURNAL_HOLDS = 3500,
	FILLED_BY_MOVES = 200000,
	BUFFERS_LEAST = 3
};

#define STUCK(count, grabs)                                                                        \
	"name: test\nmemory: 1MiB\nepoch: {interval: 1ms}\n"                                       \
	"sources: {w: {type: wire, count: " count ", per_batch: 60, "                              \
	"journal: {max_size: 64KiB}}}\n"                                                           \
	"sinks: {all: {type: stuck, until: all, count: 1, grabs: " grabs ", "                      \
	"inputs: [w], queue: {capacity: 64}}}\n"

#define HOUR_NS UINT64_C(3600000000000)

static void assert_all_came(uint64_t count)
{
	const struct collected *all = fake_collected("all");
	cr_assert_eq(all->count, count);
	for (size_t i = 0; i < all->count; i++)
		cr_assert_eq(all->numbers[i], i);
}

static uint64_t count_answered(void)
{
	const struct sim_wire *peer = sim_wire("w");
	uint64_t count = 0;
	for (uint64_t i = 0; i < peer->next; i++)
		count += peer->is_answered[i];
	return count;
}

static void fill_behind_stuck_sink(const char *yaml, uint64_t seed)
{
	static struct stopped_world w;
	begin(&w, yaml, seed);
	w.plan.groups[0].buffers = BUFFERS_LEAST;
	stopped_world_start(&w);
	cr_assert_not(stopped_world_run(&w, FILLED_BY_MOVES));
	uint64_t answered = count_answered();
	cr_assert_gt(answered, JOURNAL_HOLDS);
	cr_assert_lt(answered, STUCK_COUNT);
	fake_revive();
	stopped_world_end_well(&w);
	assert_all_came(STUCK_COUNT);
	stopped_world_end(&w);
}

/* Its last batch has no room on disk before what is there has been handed on, stopping or not. */
static void stop_when_full(const char *yaml, uint64_t seed)
{
	static struct stopped_world w;
	begin(&w, yaml, seed);
	w.plan.groups[0].buffers = BUFFERS_LEAST;
	stopped_world_start(&w);
	cr_assert_not(stopped_world_run(&w, FILLED_BY_MOVES));
	pipeline_stop(&w.run.pipeline);
	fake_revive();
	stopped_world_end_well(&w);
	stopped_world_start(&w);
	stopped_world_end_well(&w);
	assert_all_came(STUCK_COUNT);
	stopped_world_end(&w);
}

/* What no epoch and nobody who sends wakes it for. */
static void catch_up_undisturbed(const char *yaml, uint64_t seed)
{
	static struct stopped_world w;
	begin(&w, yaml, seed);
	w.plan.groups[0].buffers = BUFFERS_LEAST;
	w.interval_ns = HOUR_NS;
	stopped_world_start(&w);
	cr_assert_not(stopped_world_run(&w, FILLED_BY_MOVES));
	cr_assert_eq(count_answered(), FEW_COUNT);
	uint64_t began_ns = w.clock.now_ns;
	fake_revive();
	stopped_world_end_well(&w);
	cr_assert_lt(w.clock.now_ns - began_ns, HOUR_NS);
	assert_all_came(FEW_COUNT);
	stopped_world_end(&w);
}

Test(journal, who_reads_again_gets_all_there_is_without_an_epoch, .timeout = 240)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		catch_up_undisturbed(STUCK("1000", "false"), seed);
		catch_up_undisturbed(STUCK("1000", "true"), seed);
	}
}

Test(journal, who_stands_still_holds_nobody_up_before_it_is_full, .timeout = 240)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		fill_behind_stuck_sink(STUCK("20000", "false"), seed);
		fill_behind_stuck_sink(STUCK("20000", "true"), seed);
	}
}

Test(journal, that_is_full_and_catches_up_can_be_stopped, .timeout = 240)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		stop_when_full(STUCK("20000", "false"), seed);
		stop_when_full(STUCK("20000", "true"), seed);
	}
}
