/* Queues that spill: a reader that hangs slows nobody down, gets everything in order, and nothing of it is lost by a crash. */
#include "daemon/pipeline.h"
#include "stages/segments/spill.h"
#include "tests/unit/daemon/collected.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/epoch_world.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/said.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(spilling, .timeout = 120);

#define SPILLING_TEST(name) EACH_BACKEND_TEST(spilling, name)

static uint64_t figure(struct epoch_world *w, const char *id, enum spill_figure figure)
{
	return counter_get(&epoch_world_counters(w, id)->figures[figure]);
}

SPILLING_TEST(dead_sink_holds_up_no_sibling_and_gets_everything_in_order_when_it_lives_again)
{
	struct epoch_world w;
	epoch_world_begin(&w, *kind, true,
			  "sources: {a: {type: numbers, count: 50000, cuts: 9}}\n"
			  "sinks:\n"
			  "  well: {type: collect, inputs: [a]}\n"
			  "  dead: {type: stuck, inputs: [a], until: well, count: 50000,\n"
			  "         queue: {capacity: 5, when_full: spill, max_size: 64MiB}}\n");
	said_begin();
	epoch_world_run(&w);
	cr_assert_gt(said_end("reader is too slow, keeping on disk to=dead"), 0, "%s", said_text());
	collected_in_order("well", 0, 1, 50000);
	collected_in_order("dead", 0, 1, 50000);
	cr_assert_geq(figure(&w, "dead.spill", SPILL_WRITTEN), 49000);
	cr_assert_eq(figure(&w, "dead.spill", SPILL_RECORDS), 0);
	epoch_world_end(&w);
}

SPILLING_TEST(sink_that_takes_and_finishes_nothing_holds_up_neither_siblings_nor_epochs)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, true,
	    "sources: {a: {type: numbers, count: 50000, cuts: 9}}\n"
	    "transforms: {f: {type: odd, inputs: [a]}}\n"
	    "sinks:\n"
	    "  well: {type: collect, inputs: [a]}\n"
	    "  dead: {type: stuck, inputs: [f], until: well, count: 50000, grabs: true,\n"
	    "         queue: {capacity: 5, when_full: spill, max_size: 64MiB}}\n");
	epoch_world_run(&w);
	cr_assert_geq(fake_cuts("well")->count, 9, "the epochs went on while it hung");
	collected_in_order("well", 0, 1, 50000);
	collected_in_order("dead", 1, 2, 25000);
	epoch_world_end(&w);
}

/* The other one is not through before there have been so many. */
SPILLING_TEST(what_is_on_disk_of_a_source_that_has_ended_holds_up_no_epoch)
{
	struct epoch_world w;
	epoch_world_begin(&w, *kind, true,
			  "sources:\n"
			  "  a: {type: numbers, count: 1000}\n"
			  "  b: {type: numbers, count: 50000, cuts: 20}\n"
			  "sinks:\n"
			  "  well: {type: collect, inputs: [b]}\n"
			  "  dead: {type: stuck, inputs: [a], until: well, count: 50000,\n"
			  "         queue: {capacity: 5, when_full: spill, max_size: 64MiB}}\n");
	epoch_world_run(&w);
	cr_assert_geq(fake_cuts("well")->count, 20);
	collected_in_order("well", 0, 1, 50000);
	collected_in_order("dead", 0, 1, 1000);
	epoch_world_end(&w);
}

SPILLING_TEST(nothing_is_written_while_the_reader_keeps_up)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, true,
	    "sources: {a: {type: numbers, count: 200}}\n"
	    "sinks: {out: {type: collect, inputs: [a], queue: {capacity: 64, when_full: "
	    "spill, max_size: 64MiB}}}\n");
	epoch_world_run(&w);
	collected_in_order("out", 0, 1, 200);
	cr_assert_eq(figure(&w, "out.spill", SPILL_WRITTEN), 0);
	epoch_world_end(&w);
}

SPILLING_TEST(sink_that_stores_for_good_is_cut_where_the_spill_is)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, true,
	    "sources: {a: {type: numbers, count: 60000, cuts: 20}}\n"
	    "sinks:\n"
	    "  all: {type: collect, inputs: [a]}\n"
	    "  out: {type: collect, inputs: [a], queue: {capacity: 1, when_full: spill, "
	    "max_size: 64MiB}}\n");
	epoch_world_run(&w);
	collected_in_order("all", 0, 1, 60000);
	collected_in_order("out", 0, 1, 60000);
	cr_assert_geq(fake_cuts("out")->count, 20);
	epoch_world_end(&w);
}

SPILLING_TEST(spill_before_a_transform_parts_what_is_below_it_from_the_rest)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, true,
	    "sources: {a: {type: numbers, count: 60000}}\n"
	    "transforms: {l: {type: labour, inputs: [a], workers: 3, queue: {capacity: 2, "
	    "when_full: spill, max_size: 64MiB}}}\n"
	    "sinks:\n"
	    "  all: {type: collect, inputs: [a]}\n"
	    "  out: {type: stuck, inputs: [l], until: all, count: 60000, grabs: true}\n");
	epoch_world_run(&w);
	collected_in_order("all", 0, 1, 60000);
	collected_in_order("out", 0, 1, 60000);
	epoch_world_end(&w);
}

SPILLING_TEST(dead_letters_of_a_sink_without_a_part_in_epochs_are_cut_all_the_same)
{
	struct epoch_world w;
	epoch_world_begin(&w, *kind, true,
			  "sources: {a: {type: numbers, count: 60000, cuts: 9}}\n"
			  "sinks:\n"
			  "  all: {type: collect, inputs: [a]}\n"
			  "  most: {type: picky, inputs: [a], every: 7, on_error: dead_letter, "
			  "dead_letter: rest,\n"
			  "         queue: {capacity: 2, when_full: spill, max_size: 64MiB}}\n"
			  "  rest: {type: collect, inputs: []}\n");
	epoch_world_run(&w);
	collected_in_order("all", 0, 1, 60000);
	collected_in_order("rest", 0, 7, 8572);
	cr_assert_eq(fake_collected("most")->count, 60000 - 8572);
	cr_assert_geq(fake_cuts("rest")->count, 9);
	epoch_world_end(&w);
}

/* 50000 that the one sink has when it is stopped, and the other, which is dead, will have later. */
static void stop_with_most_on_disk(struct epoch_world *w, int kind)
{
	epoch_world_begin(
	    w, kind, true,
	    "sources: {a: {type: numbers, count: 50000}}\n"
	    "sinks:\n"
	    "  well: {type: collect, inputs: [a]}\n"
	    "  dead: {type: stuck, inputs: [a], until: well, count: 50001, grabs: true,\n"
	    "         queue: {capacity: 5, when_full: spill, max_size: 64MiB}}\n");
	epoch_world_follow(w);
	cr_assert_eq(pipeline_start(&w->pipeline), 0);
	while (fake_count("well") < 50000)
		sched_yield();
	pipeline_stop(&w->pipeline);
	epoch_world_await_end(w);
}

SPILLING_TEST(what_is_on_disk_when_it_is_stopped_comes_at_the_next_start)
{
	struct epoch_world w;
	stop_with_most_on_disk(&w, *kind);
	cr_assert_null(pipeline_failed(&w.pipeline));
	collected_in_order("well", 0, 1, 50000);
	cr_assert_eq(fake_collected("dead")->count, 0);
	cr_assert_geq(
	    figure(&w, "dead.spill", SPILL_RECORDS) + figure(&w, "dead.spill", SPILL_READ), 49000);
	fake_revive();
	epoch_world_begin_anew(&w);
	epoch_world_run(&w);
	collected_in_order("dead", 0, 1, 50000);
	collected_in_order("well", 0, 1, 50000);
	epoch_world_end(&w);
}

static void damage_segments(const char *directory)
{
	char command[256];
	snprintf(command, sizeof command,
		 "f=$(ls %s/dead.spill/*.segment | head -1); printf damage | dd of=$f bs=1 "
		 "seek=30000 conv=notrunc 2>/dev/null",
		 directory);
	cr_assert_eq(system(command), 0);
}

SPILLING_TEST(what_the_disk_has_lost_is_told_and_what_is_behind_it_comes)
{
	struct epoch_world w;
	stop_with_most_on_disk(&w, *kind);
	damage_segments(w.directory);
	fake_revive();
	epoch_world_begin_anew(&w);
	said_begin();
	epoch_world_run(&w);
	cr_assert_eq(said_end("segment damaged, what it held there is lost"), 1, "%s", said_text());
	const struct collected *c = fake_collected("dead");
	cr_assert(c->count >= 49900 && c->count < 50000, "%zu", c->count);
	collected_ascending("dead");
	cr_assert_eq(c->numbers[c->count - 1], 49999);
	cr_assert_eq(figure(&w, "dead.spill", SPILL_LOST), 1);
	epoch_world_end(&w);
}
