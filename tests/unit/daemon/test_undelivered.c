/* Sinks that cannot store some of what they get: it goes to the sink that `dead_letter` names, in order, and each epoch has it in
 * one of the two. */
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/epoch_world.h"
#include "tests/unit/daemon/fake_stages.h"

#include <criterion/criterion.h>
#include <errno.h>

#define UNDELIVERED_TEST(name) EACH_BACKEND_TEST(undelivered, name)

static const char dead_letters[] =
    "sources: {a: {type: numbers, count: 60000, per_batch: 7, cuts: 9}}\n"
    "sinks:\n"
    "  out: {type: picky, every: 3, inputs: [a], queue: {capacity: 3}, on_error: dead_letter, "
    "dead_letter: rest}\n"
    "  rest: {type: collect, inputs: [], queue: {capacity: 1}}\n";

static void assert_numbers(const char *sink, uint64_t every, bool multiples, uint64_t below)
{
	const struct collected *c = fake_collected(sink);
	size_t at = 0;
	for (uint64_t n = 0; n < below; n++)
		if ((n % every == 0) == multiples) {
			cr_assert_lt(at, c->count, "%s lacks %zu", sink, (size_t)n);
			cr_assert_eq(c->numbers[at++], n);
		}
	cr_assert_eq(at, c->count);
}

UNDELIVERED_TEST(what_a_sink_cannot_store_goes_to_another_in_order)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind, dead_letters);
	epoch_world_run(&w);
	assert_numbers("out", 3, false, 60000);
	assert_numbers("rest", 3, true, 60000);
	epoch_world_end(&w);
}

UNDELIVERED_TEST(at_each_cut_a_record_is_in_one_of_the_two)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind, dead_letters);
	epoch_world_run(&w);
	const struct cuts *a = fake_cuts("a"), *out = fake_cuts("out"), *rest = fake_cuts("rest");
	cr_assert_gt(rest->count, 3);
	for (size_t i = 0; i < rest->count && i < out->count; i++) {
		cr_assert_eq(rest->at[i], (a->at[i] + 2) / 3, "epoch %zu", i);
		cr_assert_eq(out->at[i] + rest->at[i], a->at[i], "epoch %zu", i);
	}
	epoch_world_end(&w);
}

UNDELIVERED_TEST(a_chain_of_sinks_ends_where_nothing_is_left)
{
	struct epoch_world w;
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources: {a: {type: numbers, count: 30000, cuts: 9}}\n"
	    "sinks:\n"
	    "  one: {type: picky, every: 2, inputs: [a], dead_letter: two, queue: {capacity: 1}}\n"
	    "  two: {type: picky, every: 3, inputs: [], dead_letter: three, queue: {capacity: 1}}\n"
	    "  three: {type: collect, inputs: [], queue: {capacity: 1}}\n");
	epoch_world_run(&w);
	assert_numbers("three", 6, true, 30000);
	cr_assert_eq(fake_collected("one")->count + fake_collected("two")->count, 25000);
	epoch_world_end(&w);
}

UNDELIVERED_TEST(a_sink_may_have_records_of_its_own_beside_dead_letters)
{
	struct epoch_world w;
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources: {a: {type: numbers, count: 20000, cuts: 9}, b: {type: numbers, "
	    "count: 10000, first: 100001, cuts: 9}}\n"
	    "sinks:\n"
	    "  out: {type: picky, every: 5, inputs: [a, b], dead_letter: rest}\n"
	    "  rest: {type: collect, inputs: [b], queue: {capacity: 1}}\n");
	epoch_world_run(&w);
	cr_assert_eq(fake_collected("rest")->count, 10000 + 4000 + 2000);
	cr_assert_eq(fake_collected("out")->count, 16000 + 8000);
	epoch_world_end(&w);
}

UNDELIVERED_TEST(dropped_records_are_counted_with_their_reason)
{
	struct epoch_world w;
	epoch_world_begin_roomy(
	    &w, *kind,
	    "sources: {a: {type: numbers, count: 9000}}\n"
	    "sinks: {out: {type: picky, every: 3, inputs: [a], on_error: drop}}\n");
	epoch_world_run(&w);
	uint64_t times;
	const struct stage_counters *c = &w.pipeline.counters[1];
	assert_numbers("out", 3, false, 9000);
	cr_assert_eq(counter_get(&c->refused), 3000);
	cr_assert_eq(counter_get(&c->lost[LOSS_REFUSED]), 3000);
	cr_assert_str_eq(reasons_get(&c->reasons, 0, &times), "a multiple");
	cr_assert_eq(times, 3000);
	epoch_world_end(&w);
}

UNDELIVERED_TEST(a_sink_stops_the_run_unless_told_otherwise)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind,
				"sources: {a: {type: numbers, count: 9000}}\n"
				"sinks: {out: {type: picky, every: 4000, inputs: [a]}}\n");
	epoch_world_run(&w);
	cr_assert_not_null(pipeline_failed(&w.pipeline));
	cr_assert_eq(pipeline_failed(&w.pipeline)->failure, -EBADMSG);
	epoch_world_end(&w);
}

UNDELIVERED_TEST(what_was_handed_on_is_not_counted_as_stored)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind, dead_letters);
	epoch_world_run(&w);
	cr_assert_eq(counter_get(&w.pipeline.counters[1].records_out), 0,
		     "picky counts none itself");
	cr_assert_eq(counter_get(&w.pipeline.counters[1].refused), 20000);
	cr_assert_eq(counter_get(&w.pipeline.counters[2].records_in), 20000);
	epoch_world_end(&w);
}

UNDELIVERED_TEST(fallback_stores_each_record_in_the_first_sink_that_can)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind,
				"sources: {a: {type: numbers, count: 30000, cuts: 9}}\n"
				"sinks:\n"
				"  out: {type: fallback, inputs: [a], sinks: [one, two, three]}\n"
				"  one: {type: picky, every: 2, inputs: []}\n"
				"  two: {type: picky, every: 3, inputs: []}\n"
				"  three: {type: collect, inputs: []}\n");
	epoch_world_run(&w);
	cr_assert_null(pipeline_failed(&w.pipeline));
	assert_numbers("one", 2, false, 30000);
	assert_numbers("three", 6, true, 30000);
	cr_assert_eq(fake_collected("two")->count, 10000);
	epoch_world_end(&w);
}

UNDELIVERED_TEST(what_falls_back_is_not_counted_as_refused)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind,
				"sources: {a: {type: numbers, count: 3000, cuts: 3}}\n"
				"sinks:\n"
				"  out: {type: fallback, inputs: [a], sinks: [one, two]}\n"
				"  one: {type: picky, every: 2, inputs: []}\n"
				"  two: {type: collect, inputs: []}\n");
	epoch_world_run(&w);
	for (size_t i = 0; i < w.topology.stage_count; i++)
		cr_assert_eq(counter_get(&w.pipeline.counters[i].refused), 0);
	epoch_world_end(&w);
}

UNDELIVERED_TEST(last_sink_of_a_fallback_does_what_its_on_error_says)
{
	struct epoch_world w;
	epoch_world_begin_roomy(&w, *kind,
				"sources: {a: {type: numbers, count: 30000, cuts: 9}}\n"
				"sinks:\n"
				"  out: {type: fallback, inputs: [a], sinks: [one, two]}\n"
				"  one: {type: picky, every: 2, inputs: []}\n"
				"  two: {type: picky, every: 4, inputs: [], dead_letter: rest}\n"
				"  rest: {type: collect, inputs: []}\n");
	epoch_world_run(&w);
	assert_numbers("rest", 4, true, 30000);
	epoch_world_end(&w);
}
