/* Queues that spill, on the simulator's disk: whenever the machine stops, what was on its way over the disk is in the table once. */
#include "stages/segments/spill.h"
#include "tests/unit/daemon/fake_table.h"
#include "tests/unit/daemon/stopped_world.h"

#include <criterion/criterion.h>

enum { NUMBERS = 900 };

/* A crew on each side, and the disk twice. */
static const char yaml[] =
    "name: test\nmemory: 64MiB\nepoch: {interval: 1ms}\n"
    "sources: {a: {type: numbers, count: 900, per_batch: 7}}\n"
    "transforms:\n"
    "  l: {type: labour, inputs: [a], workers: 2, queue: {capacity: 1}}\n"
    "  m: {type: labour, inputs: [l], workers: 3, queue: {capacity: 1, when_full: spill, "
    "max_size: 16MiB}}\n"
    "sinks:\n"
    "  all: {type: table, inputs: [m], queue: {capacity: 1, when_full: spill, max_size: "
    "16MiB}}\n";

static void assert_each_once(void)
{
	const struct fake_table *t = fake_table("all");
	cr_assert_eq(t->rows.count, NUMBERS);
	for (size_t i = 0; i < t->rows.count; i++)
		cr_assert_eq(t->rows.numbers[i], i, "row %zu: %ju", i,
			     (uintmax_t)t->rows.numbers[i]);
	cr_assert_eq(t->prepared_count, 0, "a transaction was left open");
	cr_assert_not(t->refused);
}

/* Figures of a pipeline that has ended are gone: they are looked at as long as it is there. */
static uint64_t written(const struct stopped_world *w)
{
	uint64_t sum = 0;
	for (size_t g = 0; g < w->plan.group_count; g++)
		if (w->plan.groups[g].spills)
			sum += counter_get(&w->run.pipeline.counters[w->plan.groups[g].head]
						.figures[SPILL_WRITTEN]);
	return sum;
}

static uint64_t moves_of_whole_run(uint64_t seed)
{
	struct stopped_world w;
	stopped_world_begin(&w, yaml, seed);
	stopped_world_start(&w);
	stopped_world_end_well(&w);
	assert_each_once();
	cr_assert_gt(fake_table("all")->held, 3, "few epochs");
	uint64_t moves = w.run.moves;
	stopped_world_end(&w);
	return moves;
}

/* What was written until it was stopped. */
static uint64_t stop_at(uint64_t seed, uint64_t move, enum stop how)
{
	struct stopped_world w;
	uint64_t sum = 0;
	stopped_world_begin(&w, yaml, seed);
	stopped_world_start(&w);
	if (stopped_world_run(&w, move)) {
		stopped_world_end_well(&w);
	} else {
		sum = written(&w);
		stopped_world_stop_and_end(&w, move, how);
	}
	assert_each_once();
	stopped_world_end(&w);
	return sum;
}

static void stop_everywhere(enum stop how, uint64_t stride)
{
	const uint64_t seed = 7;
	uint64_t moves = moves_of_whole_run(seed), most = 0;
	for (uint64_t move = 0; move < moves; move += stride) {
		uint64_t sum = stop_at(seed, move, how);
		most = sum > most ? sum : most;
	}
	cr_assert_gt(most, 100, "hardly any of it was on disk");
}

Test(spilling_stopped, all_is_there_once_wherever_the_machine_crashes, .timeout = 240)
{
	stop_everywhere(STOP_CRASH, 3);
}

Test(spilling_stopped, all_is_there_once_wherever_the_process_is_killed, .timeout = 240)
{
	stop_everywhere(STOP_KILL, 7);
}
