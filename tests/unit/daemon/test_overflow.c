/* Queues that drop: who puts is never held up, what is left out is counted, and epochs and ends are what they were. */
#include "daemon/pipeline.h"
#include "daemon/work_units.h"
#include "tests/unit/daemon/collected.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/epoch_world.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/said.h"

#include <criterion/criterion.h>

TestSuite(overflow, .timeout = 120);

#define OVERFLOW_TEST(name) EACH_BACKEND_TEST(overflow, name)

static uint64_t dropped(struct epoch_world *w, const char *id)
{
	return counter_get(&epoch_world_counters(w, id)->lost[LOSS_QUEUE_FULL]);
}

OVERFLOW_TEST(dead_sink_whose_queue_leaves_out_the_newest_holds_up_no_sibling)
{
	struct epoch_world w;
	epoch_world_begin(&w, *kind, false,
			  "sources: {a: {type: numbers, count: 50000}}\n"
			  "sinks:\n"
			  "  well: {type: collect, inputs: [a]}\n"
			  "  dead: {type: stuck, inputs: [a], until: well, count: 50000,\n"
			  "         queue: {capacity: 5, when_full: drop_newest}}\n");
	said_begin();
	epoch_world_run(&w);
	cr_assert_eq(said_end("queue is full, dropping to=dead when_full=drop_newest"), 1, "%s",
		     said_text());
	collected_in_order("well", 0, 1, 50000);
	collected_in_order("dead", 0, 1, 50);
	cr_assert_eq(dropped(&w, "dead"), 49950);
	cr_assert_eq(dropped(&w, "well"), 0);
	epoch_world_end(&w);
}

OVERFLOW_TEST(dead_sink_whose_queue_leaves_out_the_oldest_gets_the_newest)
{
	struct epoch_world w;
	epoch_world_begin(&w, *kind, false,
			  "sources: {a: {type: numbers, count: 50000}}\n"
			  "sinks:\n"
			  "  well: {type: collect, inputs: [a]}\n"
			  "  dead: {type: stuck, inputs: [a], until: well, count: 50000,\n"
			  "         queue: {capacity: 5, when_full: drop_oldest}}\n");
	epoch_world_run(&w);
	collected_in_order("well", 0, 1, 50000);
	const struct collected *c = fake_collected("dead");
	cr_assert_eq(c->count, 50);
	collected_ascending("dead");
	cr_assert_eq(c->numbers[0], 49950);
	cr_assert_eq(dropped(&w, "dead"), 49950);
	epoch_world_end(&w);
}

OVERFLOW_TEST(sink_that_takes_and_finishes_nothing_holds_up_no_sibling_either)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, false,
	    "sources: {a: {type: numbers, count: 50000}}\n"
	    "transforms: {f: {type: odd, inputs: [a]}}\n"
	    "sinks:\n"
	    "  well: {type: collect, inputs: [a]}\n"
	    "  first: {type: stuck, inputs: [f], until: well, count: 50000, grabs: true,\n"
	    "          queue: {capacity: 8, when_full: drop_newest}}\n"
	    "  last: {type: stuck, inputs: [a], until: well, count: 50000, grabs: true,\n"
	    "         queue: {capacity: 3, when_full: drop_oldest}}\n");
	epoch_world_run(&w);
	collected_in_order("well", 0, 1, 50000);
	collected_ascending("first");
	collected_ascending("last");
	cr_assert_eq(fake_collected("first")->count + dropped(&w, "first"), 25000);
	cr_assert_eq(fake_collected("last")->count + dropped(&w, "last"), 50000);
	cr_assert_leq(fake_collected("last")->count, 10 * (3 + 8 + 1));
	epoch_world_end(&w);
}

OVERFLOW_TEST(whatever_hangs_behind_a_transform_whose_queue_drops_holds_up_no_sibling)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, false,
	    "sources: {a: {type: numbers, count: 50000}}\n"
	    "transforms:\n"
	    "  p: {type: parts, inputs: [a], records: 3}\n"
	    "  l: {type: labour, inputs: [p], workers: 3, queue: {capacity: 4, when_full: "
	    "drop_oldest}}\n"
	    "sinks:\n"
	    "  well: {type: collect, inputs: [a]}\n"
	    "  dead: {type: stuck, inputs: [l], until: well, count: 50000, grabs: true}\n");
	epoch_world_run(&w);
	collected_in_order("well", 0, 1, 50000);
	collected_ascending("dead");
	cr_assert_eq(fake_collected("dead")->count + dropped(&w, "l"), 50000);
	cr_assert_gt(dropped(&w, "l"), 0);
	epoch_world_end(&w);
}

OVERFLOW_TEST(workers_that_keep_the_order_miss_no_turn_for_what_was_left_out)
{
	struct epoch_world w;
	epoch_world_begin(
	    &w, *kind, true,
	    "sources: {a: {type: numbers, count: 60000, cuts: 9}}\n"
	    "transforms: {l: {type: labour, inputs: [a], workers: 4, queue: {capacity: 1, "
	    "when_full: drop_oldest}}}\n"
	    "sinks: {out: {type: collect, inputs: [l]}, all: {type: collect, inputs: [a]}}\n");
	epoch_world_run(&w);
	collected_in_order("all", 0, 1, 60000);
	collected_ascending("out");
	cr_assert_eq(fake_collected("out")->count + dropped(&w, "l"), 60000);
	epoch_world_end(&w);
}

/* All that the sink had at a cut lies before that of its source, and nothing that comes later does. */
static void assert_cut_within(const char *sink, const char *source)
{
	const struct cuts *cuts = fake_cuts(sink), *from = fake_cuts(source);
	const struct collected *c = fake_collected(sink);
	cr_assert_gt(cuts->count, 3);
	for (size_t i = 0; i < cuts->count && i < from->count; i++) {
		uint64_t at = cuts->at[i];
		cr_assert(at == 0 || c->numbers[at - 1] < from->at[i], "%s, cut %zu", sink, i);
		cr_assert(at == c->count || c->numbers[at] >= from->at[i], "%s, cut %zu", sink, i);
	}
}

static void run_with_cuts(int kind, const char *yaml)
{
	struct epoch_world w;
	epoch_world_begin(&w, kind, true, yaml);
	epoch_world_run(&w);
	collected_in_order("all", 0, 1, 60000);
	collected_ascending("out");
	cr_assert_eq(fake_collected("out")->count + dropped(&w, "out"), 60000);
	assert_cut_within("out", "a");
	assert_cut_within("all", "a");
	epoch_world_end(&w);
}

OVERFLOW_TEST(what_was_left_out_counts_as_done_for_an_epoch_newest)
{
	run_with_cuts(*kind, "sources: {a: {type: numbers, count: 60000, cuts: 9}}\n"
			     "sinks:\n"
			     "  all: {type: collect, inputs: [a]}\n"
			     "  out: {type: collect, inputs: [a], queue: {capacity: 1, when_full: "
			     "drop_newest}}\n");
}

OVERFLOW_TEST(what_was_left_out_counts_as_done_for_an_epoch_oldest)
{
	run_with_cuts(*kind, "sources: {a: {type: numbers, count: 60000, cuts: 9}}\n"
			     "sinks:\n"
			     "  all: {type: collect, inputs: [a]}\n"
			     "  out: {type: collect, inputs: [a], queue: {capacity: 1, when_full: "
			     "drop_oldest}}\n");
}

OVERFLOW_TEST(failure_while_batches_are_left_out_ends_the_run)
{
	struct epoch_world w;
	epoch_world_begin(&w, *kind, true,
			  "sources: {a: {type: numbers, count: 1000000000}}\n"
			  "transforms: {x: {type: breaks, inputs: [a], at: 60000}}\n"
			  "sinks:\n"
			  "  well: {type: collect, inputs: [x]}\n"
			  "  out: {type: collect, inputs: [a], queue: {capacity: 1, when_full: "
			  "drop_oldest}}\n");
	epoch_world_run(&w);
	cr_assert_not_null(pipeline_failed(&w.pipeline));
	collected_ascending("out");
	epoch_world_end(&w);
}

Test(overflow, memory_for_what_a_dead_sink_holds_is_on_top_of_what_its_siblings_need)
{
	struct topology t;
	struct plan one, two;
	fake_load(&t, &one,
		  "sources: {a: {type: numbers, count: 1}}\n"
		  "sinks: {x: {type: collect, inputs: [a], queue: {capacity: 20}},\n"
		  "        y: {type: collect, inputs: [a], queue: {capacity: 20}}}\n");
	size_t needed = one.memory_needed, columns = one.fields.count;
	plan_release(&one);
	topology_release(&t);
	fake_load(&t, &two,
		  "sources: {a: {type: numbers, count: 1}}\n"
		  "sinks: {x: {type: nothing, inputs: [a], queue: {capacity: 20}},\n"
		  "        y: {type: nothing, inputs: [a], queue: {capacity: 20, when_full: "
		  "drop_newest}}}\n");
	const struct home_size more = {.buffers = 37,
				       .buffer_capacity = two.groups[0].buffer_capacity,
				       .batches = 2 * 37 + 37,
				       .columns = columns};
	cr_assert_eq(two.groups[0].stranded, 20 + 16 + 1,
		     "queue, what it has, and one got too early");
	cr_assert_geq(two.memory_needed, needed + home_footprint(&more) - 2 * 4096);
	cr_assert_eq(two.groups[two.group_of[1]].thread_of, two.group_of[0]);
	cr_assert_eq(two.groups[two.group_of[2]].thread_of, two.group_of[2],
		     "a light sink that may hang must not hang its producer");
	plan_release(&two);
	topology_release(&t);
}

/* What comes before the barrier may be in the hands of somebody else who takes from the queue. */
OVERFLOW_TEST(what_was_left_out_behind_a_barrier_is_not_taken_for_what_comes_before_it)
{
	struct epoch_world w;
	struct batch *b;
	uint64_t position, ticket;
	epoch_world_begin(
	    &w, *kind, false,
	    "sources: {a: {type: numbers, count: 1}}\n"
	    "sinks: {out: {type: collect, inputs: [a], queue: {capacity: 1, when_full: "
	    "drop_oldest}}}\n");
	struct worker *source = epoch_world_first(&w, STAGE_SOURCE);
	struct out_edge *out = &source->out_edges[0];
	struct edge *e = out->edge;
	cr_assert_eq(queue_try_put(&e->queue, epoch_world_batch(source)), 0);
	cr_assert_eq(overflow_draw(e, &b, &position, &ticket), 0);
	barrier_raise(&e->barrier, 1, 7);
	cr_assert_eq(queue_try_put(&e->queue, epoch_world_batch(source)), 0);
	cr_assert_eq(overflow_put(source, out, epoch_world_batch(source)), 0);
	cr_assert_eq(queue_done_count(&e->queue), 0);
	queue_task_done(&e->queue, 1);
	overflow_lower_barrier(e, barrier_mark(&e->barrier));
	cr_assert_eq(queue_done_count(&e->queue), 2);
	cr_assert_eq(counter_get(&epoch_world_counters(&w, "out")->lost[LOSS_QUEUE_FULL]), 1);
	batch_free(&b);
	cr_assert_eq(overflow_draw(e, &b, &position, &ticket), 0);
	cr_assert_eq(position, 2);
	cr_assert_eq(ticket, 1, "it has the one that the one left out would have had");
	batch_free(&b);
	queue_task_done(&e->queue, 1);
	epoch_world_end(&w);
}

/* The producer has raised the next one before a consumer has come to lowering the one that all were through with. */
OVERFLOW_TEST(what_was_left_out_between_two_barriers_is_done_for_the_second_alone)
{
	struct epoch_world w;
	struct batch *b;
	uint64_t position, ticket;
	epoch_world_begin(
	    &w, *kind, false,
	    "sources: {a: {type: numbers, count: 1}}\n"
	    "sinks: {out: {type: collect, inputs: [a], queue: {capacity: 1, when_full: "
	    "drop_oldest}}}\n");
	struct worker *source = epoch_world_first(&w, STAGE_SOURCE);
	struct out_edge *out = &source->out_edges[0];
	struct edge *e = out->edge;
	overflow_raise_barrier(e, 7);
	uint64_t first = barrier_mark(&e->barrier);
	cr_assert_eq(queue_try_put(&e->queue, epoch_world_batch(source)), 0);
	cr_assert_eq(overflow_put(source, out, epoch_world_batch(source)), 0);
	cr_assert_eq(queue_done_count(&e->queue), 0);
	overflow_raise_barrier(e, 8);
	cr_assert_eq(queue_done_count(&e->queue), 1, "it lies before the second");
	cr_assert_eq(overflow_draw(e, &b, &position, &ticket), 0);
	cr_assert_eq(queue_try_put(&e->queue, epoch_world_batch(source)), 0);
	cr_assert_eq(overflow_put(source, out, epoch_world_batch(source)), 0);
	overflow_lower_barrier(e, first);
	cr_assert_eq(barrier_at(&e->barrier), 2);
	cr_assert_eq(barrier_epoch(&e->barrier, barrier_mark(&e->barrier)), 8);
	cr_assert_eq(queue_done_count(&e->queue), 1, "what is done lies behind the second");
	batch_free(&b);
	queue_task_done(&e->queue, 1);
	overflow_lower_barrier(e, barrier_mark(&e->barrier));
	cr_assert_eq(barrier_at(&e->barrier), BARRIER_NONE);
	cr_assert_eq(queue_done_count(&e->queue), 3);
	cr_assert_eq(overflow_draw(e, &b, &position, &ticket), 0);
	batch_free(&b);
	queue_task_done(&e->queue, 1);
	epoch_world_end(&w);
}

static bool woken;

static void be_woken(struct waiter *w)
{
	(void)w;
	woken = true;
}

/* While another has drawn a place and not filled it yet, one can neither put nor leave out the oldest. */
OVERFLOW_TEST(who_puts_wakes_another_who_found_the_queue_full_of_what_is_not_there_yet)
{
	struct epoch_world w;
	struct waiter other = {be_woken};
	struct wait_node room = {.waiter = &other};
	struct batch *b;
	uint64_t position, ticket;
	epoch_world_begin(
	    &w, *kind, false,
	    "sources: {a: {type: numbers, count: 1}}\n"
	    "sinks: {out: {type: collect, inputs: [a], queue: {capacity: 1, when_full: "
	    "drop_oldest}}}\n");
	struct worker *source = epoch_world_first(&w, STAGE_SOURCE);
	struct edge *e = source->out_edges[0].edge;
	waitlist_arm(queue_putters(&e->queue), &room);
	cr_assert_eq(out_edge_put(source, &source->out_edges[0], epoch_world_batch(source)), 0);
	cr_assert(woken);
	waitlist_disarm(queue_putters(&e->queue), &room);
	cr_assert_eq(overflow_draw(e, &b, &position, &ticket), 0);
	batch_free(&b);
	queue_task_done(&e->queue, 1);
	epoch_world_end(&w);
}
