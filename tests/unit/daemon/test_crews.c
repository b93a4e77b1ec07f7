/* Queues that hold nobody up, with several workers on both sides: whoever puts, takes and leaves out at the same time, all that is
 * handed on is whole, in order where it is to be, and counted. */
#include "daemon/inputs.h"
#include "daemon/pipeline.h"
#include "tests/unit/daemon/collected.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/epoch_world.h"
#include "tests/unit/daemon/fake_stages.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>

TestSuite(crews, .timeout = 120);

#define CREWS_TEST(name) EACH_BACKEND_TEST(crews, name)

enum { COUNT = 20000 };

static uint64_t dropped(struct epoch_world *w, const char *id)
{
	return counter_get(&epoch_world_counters(w, id)->lost[LOSS_QUEUE_FULL]);
}

static bool woken;

static void be_woken(struct waiter *w)
{
	(void)w;
	woken = true;
}

static void run(struct epoch_world *w, int kind, const char *yaml)
{
	epoch_world_begin(w, kind, true, yaml);
	epoch_world_run(w);
	cr_assert_null(pipeline_failed(&w->pipeline));
}

CREWS_TEST(spill_between_crews_that_keep_the_order)
{
	struct epoch_world w;
	run(&w, *kind,
	    "sources: {a: {type: numbers, count: 20000, cuts: 9}}\n"
	    "transforms:\n"
	    "  l: {type: labour, inputs: [a], workers: 3, queue: {capacity: 2}}\n"
	    "  m: {type: labour, inputs: [l], workers: 3, queue: {capacity: 1, when_full: spill, "
	    "max_size: 64MiB}}\n"
	    "sinks: {out: {type: collect, inputs: [m]}}\n");
	collected_ascending("out");
	collected_each_once("out", COUNT);
	cr_assert_geq(fake_cuts("out")->count, 9);
	epoch_world_end(&w);
}

CREWS_TEST(spills_in_a_row_between_crews_that_do_not)
{
	struct epoch_world w;
	run(&w, *kind,
	    "sources: {a: {type: numbers, count: 20000, cuts: 9}}\n"
	    "transforms:\n"
	    "  l: {type: labour, inputs: [a], workers: 2, ordered: false, queue: {capacity: 2, "
	    "when_full: spill, max_size: 64MiB}}\n"
	    "  m: {type: labour, inputs: [l], workers: 3, ordered: false, queue: {capacity: 1, "
	    "when_full: spill, max_size: 64MiB}}\n"
	    "  n: {type: labour, inputs: [m, l], workers: 3, queue: {capacity: 1, when_full: "
	    "spill, max_size: 64MiB}}\n"
	    "sinks:\n"
	    "  out: {type: collect, inputs: [m]}\n"
	    "  both: {type: collect, inputs: [n], queue: {capacity: 1, when_full: spill, "
	    "max_size: 64MiB}}\n");
	collected_each_once("out", COUNT);
	cr_assert_eq(fake_collected("both")->count, 2 * COUNT);
	epoch_world_end(&w);
}

static void run_with_drops(int kind, const char *yaml, const char *dropping)
{
	struct epoch_world w;
	run(&w, kind, yaml);
	collected_each_once("all", COUNT);
	collected_ascending("out");
	cr_assert_eq(fake_collected("out")->count + dropped(&w, dropping), COUNT);
	epoch_world_end(&w);
}

CREWS_TEST(oldest_is_left_out_between_crews)
{
	run_with_drops(
	    *kind,
	    "sources: {a: {type: numbers, count: 20000, cuts: 9}}\n"
	    "transforms:\n"
	    "  l: {type: labour, inputs: [a], workers: 3, queue: {capacity: 2}}\n"
	    "  m: {type: labour, inputs: [l], workers: 3, queue: {capacity: 2, when_full: "
	    "drop_oldest}}\n"
	    "sinks: {out: {type: collect, inputs: [m]}, all: {type: collect, inputs: [l]}}\n",
	    "m");
}

CREWS_TEST(newest_is_left_out_between_crews)
{
	run_with_drops(
	    *kind,
	    "sources: {a: {type: numbers, count: 20000, cuts: 9}}\n"
	    "transforms:\n"
	    "  l: {type: labour, inputs: [a], workers: 3, queue: {capacity: 2}}\n"
	    "  m: {type: labour, inputs: [l], workers: 3, queue: {capacity: 1, when_full: "
	    "drop_newest}}\n"
	    "sinks: {out: {type: collect, inputs: [m]}, all: {type: collect, inputs: [l]}}\n",
	    "m");
}

/* Those that hand on put in no order, and the queue is of one batch: each of them leaves out what another one put. */
CREWS_TEST(oldest_is_left_out_by_several_at_a_time)
{
	struct epoch_world w;
	run(&w, *kind,
	    "sources: {a: {type: numbers, count: 20000, cuts: 9, per_batch: 3}}\n"
	    "transforms:\n"
	    "  l: {type: odd, inputs: [a], workers: 4, ordered: false, queue: {capacity: 4}}\n"
	    "  m: {type: labour, inputs: [l], workers: 2, ordered: false, queue: {capacity: 1, "
	    "when_full: drop_oldest}}\n"
	    "sinks: {out: {type: collect, inputs: [m]}}\n");
	cr_assert_eq(fake_collected("out")->count + dropped(&w, "m"), COUNT / 2);
	epoch_world_end(&w);
}

CREWS_TEST(spill_behind_a_queue_that_leaves_out)
{
	run_with_drops(
	    *kind,
	    "sources: {a: {type: numbers, count: 20000, cuts: 9}}\n"
	    "transforms:\n"
	    "  l: {type: labour, inputs: [a], workers: 3, queue: {capacity: 1, when_full: "
	    "drop_oldest}}\n"
	    "  m: {type: labour, inputs: [l], workers: 2, queue: {capacity: 1, when_full: spill, "
	    "max_size: 64MiB}}\n"
	    "sinks: {out: {type: collect, inputs: [m]}, all: {type: collect, inputs: [a]}}\n",
	    "l");
}

/* Some of it is with each of the crew, in queues and on disk. */
CREWS_TEST(what_a_crew_has_when_it_is_stopped_comes_at_the_next_start)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, true,
	    "sources: {a: {type: numbers, count: 20000}}\n"
	    "transforms:\n"
	    "  l: {type: labour, inputs: [a], workers: 2}\n"
	    "  m: {type: labour, inputs: [l], workers: 3, queue: {capacity: 1, when_full: spill, "
	    "max_size: 64MiB}}\n"
	    "sinks: {out: {type: collect, inputs: [m]}}\n");
	epoch_world_follow(&w);
	cr_assert_eq(pipeline_start(&w.pipeline), 0);
	while (fake_count("out") < 3000)
		sched_yield();
	pipeline_stop(&w.pipeline);
	epoch_world_await_end(&w);
	cr_assert_null(pipeline_failed(&w.pipeline));
	epoch_world_begin_anew(&w);
	epoch_world_run(&w);
	collected_ascending("out");
	collected_each_once("out", COUNT);
	epoch_world_end(&w);
}

CREWS_TEST(failure_of_one_of_a_crew_ends_the_run)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, true,
	    "sources: {a: {type: numbers, count: 1000000000}}\n"
	    "transforms:\n"
	    "  l: {type: labour, inputs: [a], workers: 3, queue: {capacity: 1, when_full: spill, "
	    "max_size: 64MiB}}\n"
	    "  m: {type: breaks, inputs: [l], at: 9000, workers: 3, queue: {capacity: 1, "
	    "when_full: spill, max_size: 64MiB}}\n"
	    "  n: {type: labour, inputs: [m], workers: 2, queue: {capacity: 1, when_full: "
	    "drop_oldest}}\n"
	    "sinks: {out: {type: collect, inputs: [n]}, all: {type: collect, inputs: [a]}}\n");
	epoch_world_run(&w);
	cr_assert_not_null(pipeline_failed(&w.pipeline));
	collected_ascending("out");
	epoch_world_end(&w);
}

/* Between the batches that it lets go another may draw: whoever has the third waits for its turn. */
CREWS_TEST(what_one_of_a_crew_lets_go_holds_up_no_other)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, false,
	    "sources: {a: {type: numbers, count: 1}}\n"
	    "transforms: {l: {type: labour, inputs: [a], workers: 2, queue: {capacity: 4}}}\n"
	    "sinks: {out: {type: collect, inputs: [l]}}\n");
	struct worker *source = epoch_world_first(&w, STAGE_SOURCE);
	struct worker *one = epoch_world_first(&w, STAGE_TRANSFORM);
	struct edge *e = one->in_edges[0].edge;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(queue_try_put(&e->queue, epoch_world_batch(source)), 0);
	one->out_edges[0].closed = true;
	while (worker_step(one) == STEP_MORE)
		;
	cr_assert(turn_is(&e->turn, 2));
	cr_assert_eq(queue_unfinished(&e->queue), 0);
	epoch_world_end(&w);
}

/* Whoever of them notices first, and whatever the others have drawn by then. */
CREWS_TEST(reader_that_goes_away_ends_all_of_a_crew)
{
	for (int i = 0; i < 100; i++) {
		struct epoch_world w;
		epoch_world_begin(
		    &w, *kind, false,
		    "sources: {a: {type: numbers, count: 20000}}\n"
		    "transforms: {l: {type: labour, inputs: [a], workers: 4, queue: {capacity: "
		    "64}}}\n"
		    "sinks: {out: {type: collect, inputs: [l], close_after: 500}}\n");
		epoch_world_run(&w);
		cr_assert_geq(fake_collected("out")->count, 500);
		collected_ascending("out");
		epoch_world_end(&w);
	}
}

/* It was the last to be through with what comes before a barrier, and passes none on itself. */
CREWS_TEST(failure_of_one_tells_another_that_waits_at_a_barrier)
{
	struct epoch_world w;
	uint64_t epoch;
	struct waiter sibling = {be_woken};
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources: {a: {type: numbers, count: 1}}\n"
	    "transforms: {l: {type: labour, inputs: [a], workers: 2, queue: {capacity: 4}}}\n"
	    "sinks: {out: {type: collect, inputs: [l]}}\n");
	struct worker *source = epoch_world_first(&w, STAGE_SOURCE);
	struct worker *one = epoch_world_first(&w, STAGE_TRANSFORM), *other = one + 1;
	struct edge *e = one->in_edges[0].edge;
	cr_assert_eq(queue_try_put(&e->queue, epoch_world_batch(source)), 0);
	overflow_raise_barrier(e, 7);
	cr_assert_eq(queue_try_put(&e->queue, epoch_world_batch(source)), 0);
	cr_assert_eq(overflow_draw(e, &one->in_edges[0].ahead, &one->in_edges[0].ahead_position,
				   &one->in_edges[0].ahead_ticket),
		     0);
	while (worker_step(other) == STEP_MORE)
		;
	cr_assert(inputs_any_ahead(other), "it has what lies behind the barrier");
	worker_fail(one, -EIO);
	while (worker_step(other) == STEP_MORE)
		;
	cr_assert(inputs_any_barrier(other, &epoch));
	cr_assert(worker_arm(other, &sibling));
	while (worker_step(one) == STEP_MORE)
		;
	cr_assert(woken);
	worker_disarm(other);
	while (worker_step(other) == STEP_MORE)
		;
	cr_assert_not(inputs_any_barrier(other, &epoch));
	cr_assert_not(inputs_any_ahead(other));
	epoch_world_end(&w);
}
