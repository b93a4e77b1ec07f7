/* test_isolation.c - a stage that fails and begins anew by itself: nothing is lost, and nobody else notices. */
#include "tests/unit/daemon/collected.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/epoch_world.h"
#include "tests/unit/daemon/fake_stages.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define ISOLATION_TEST(name) EACH_BACKEND_TEST(isolation, name)
#define UP_TO(n) "supervision: {strategy: isolate, max_restarts: " #n "}\n"

static struct supervision supervision;
static struct epoch_world w;

static void begin(int kind, const char *yaml)
{
	epoch_world_begin_roomy(&w, kind, yaml);
	supervision_init(&supervision);
	supervision_follow(&supervision, &w.topology);
	cr_assert_eq(pipeline_supervise(&w.pipeline, &supervision), 0);
}

static void end(void)
{
	epoch_world_end(&w);
	supervision_release(&supervision);
}

static uint64_t restarts(const char *id)
{
	return counter_get(&epoch_world_counters(&w, id)->restarts);
}

/* Each at least once; what is new is the next one. */
static void assert_at_least(const char *sink, uint64_t count)
{
	const struct collected *c = fake_collected(sink);
	uint64_t next = 0;
	for (size_t i = 0; i < c->count; i++) {
		cr_assert_leq(c->numbers[i], next, "%s lacks %zu", sink, (size_t)next);
		next += c->numbers[i] == next;
	}
	cr_assert_eq(next, count);
	cr_assert_gt(c->count, count, "nothing came twice");
}

ISOLATION_TEST(source_goes_on_behind_what_it_has_emitted)
{
	begin(*kind, UP_TO(10) "sources: {a: {type: numbers, count: 50000, stumbles: 12000}}\n"
			       "sinks: {out: {type: collect, inputs: [a]}}\n");
	epoch_world_run(&w);
	cr_expect_null(pipeline_failed(&w.pipeline));
	collected_in_order("out", 0, 1, 50000);
	cr_expect_eq(restarts("a"), 4);
	end();
}

ISOLATION_TEST(source_that_is_cut_between_two_failures_is_remembered_where_it_is)
{
	begin(*kind,
	      UP_TO(10) "sources: {a: {type: numbers, count: 30000, cuts: 9, stumbles: 8000}}\n"
			"transforms: {f: {type: odd, inputs: [a]}}\n"
			"sinks: {all: {type: collect, inputs: [a]}, odd: {type: collect, inputs: "
			"[f]}}\n");
	epoch_world_run(&w);
	collected_in_order("all", 0, 1, 30000);
	cr_expect_eq(fake_collected("odd")->count, 15000);
	cr_expect_eq(restarts("a"), 3);
	const struct cuts *source = fake_cuts("a"), *sink = fake_cuts("all");
	cr_assert_gt(sink->count, 3);
	cr_expect_eq(fake_collected("all")->committed, w.log.epoch);
	/* Each cut of the sink is one of the source's, which has noted more: where it failed. */
	for (size_t i = 0, k = 0; i < sink->count; i++) {
		while (k < source->count && source->at[k] != sink->at[i])
			k++;
		cr_assert_lt(k, source->count, "cut at %zu", (size_t)sink->at[i]);
	}
	end();
}

ISOLATION_TEST(sink_gets_once_more_what_it_had_taken_and_not_done)
{
	begin(*kind, UP_TO(10) "sources: {a: {type: numbers, count: 50000}}\n"
			       "sinks:\n"
			       "  moody: {type: moody, inputs: [a], stumbles: 12000}\n"
			       "  beside: {type: collect, inputs: [a]}\n");
	epoch_world_run(&w);
	cr_expect_null(pipeline_failed(&w.pipeline));
	collected_in_order("moody", 0, 1, 50000);
	collected_in_order("beside", 0, 1, 50000);
	cr_expect_eq(restarts("moody"), 4);
	end();
}

ISOLATION_TEST(what_a_sink_had_stored_and_not_said_comes_twice)
{
	begin(
	    *kind,
	    UP_TO(10) "sources: {a: {type: numbers, count: 40000}}\n"
		      "sinks: {moody: {type: moody, inputs: [a], stumbles: 9000, twice: true}}\n");
	epoch_world_run(&w);
	assert_at_least("moody", 40000);
	cr_expect_eq(restarts("moody"), 4);
	end();
}

ISOLATION_TEST(what_is_committed_is_in_the_sink_however_often_it_failed)
{
	begin(*kind, UP_TO(10) "sources: {a: {type: numbers, count: 40000, cuts: 9}}\n"
			       "sinks: {moody: {type: moody, inputs: [a], stumbles: 9000}}\n");
	epoch_world_run(&w);
	collected_in_order("moody", 0, 1, 40000);
	const struct cuts *source = fake_cuts("a"), *sink = fake_cuts("moody");
	cr_assert_gt(sink->count, 3);
	for (size_t i = 0; i < sink->count; i++)
		cr_assert_eq(sink->at[i], source->at[i], "epoch %zu", i + 1);
	end();
}

ISOLATION_TEST(failures_that_are_too_many_end_the_run)
{
	begin(*kind, UP_TO(2) "sources: {a: {type: numbers, count: 100000, stumbles: 1000}}\n"
			      "sinks: {out: {type: collect, inputs: [a]}}\n");
	epoch_world_run(&w);
	const struct worker *failed = pipeline_failed(&w.pipeline);
	cr_assert_not_null(failed);
	cr_expect_str_eq(failed->name, "a");
	cr_expect_eq(failed->failure, -ECONNRESET);
	collected_in_order("out", 0, 1, 3000);
	end();
}

ISOLATION_TEST(transform_fails_as_ever)
{
	begin(*kind, UP_TO(9) "sources: {a: {type: numbers, count: 100000}}\n"
			      "transforms: {x: {type: breaks, inputs: [a], at: 5000}}\n"
			      "sinks: {moody: {type: moody, inputs: [x]}}\n");
	epoch_world_run(&w);
	cr_assert_not_null(pipeline_failed(&w.pipeline));
	end();
}

static bool any_waits(void)
{
	for (size_t i = 0; i < w.pipeline.worker_count; i++)
		if (counter_get(&w.pipeline.workers[i].shown_state) == WORKER_HALTED)
			return true;
	return false;
}

/* With delays of up to half a minute. */
static void start_and_await_halted(int kind, const char *yaml)
{
	begin(kind, yaml);
	for (int i = 0; i < 12; i++) {
		struct supervision_restart ignored;
		supervision_allows(&supervision, backend_now_ns(), 0, &ignored);
	}
	cr_assert_eq(pipeline_start(&w.pipeline), 0);
	while (!any_waits())
		poll(NULL, 0, 1);
}

static void stop_when_halted(int kind, const char *yaml)
{
	start_and_await_halted(kind, yaml);
	uint64_t before = backend_now_ns();
	pipeline_stop(&w.pipeline);
	epoch_world_await_end(&w);
	cr_expect_null(pipeline_failed(&w.pipeline));
	if (backend_now_ns() - before > UINT64_C(25000000000))
		cr_assert_fail("the delay was waited for");
}

ISOLATION_TEST(source_that_waits_to_begin_anew_ends_when_it_is_asked_to)
{
	stop_when_halted(
	    *kind, UP_TO(1000) "sources: {a: {type: numbers, count: 100000, stumbles: 5000}}\n"
			       "sinks: {out: {type: collect, inputs: [a]}}\n");
	collected_in_order("out", 0, 1, fake_collected("out")->count);
	end();
}

ISOLATION_TEST(sink_that_waits_to_begin_anew_stores_all_when_it_is_asked_to_end)
{
	stop_when_halted(
	    *kind, UP_TO(1000) "sources: {a: {type: numbers, count: 100000}}\n"
			       "sinks: {moody: {type: moody, inputs: [a], stumbles: 5000}}\n");
	collected_in_order("moody", 0, 1, counter_get(&w.pipeline.counters[0].records_out));
	end();
}

/* It is asked for nothing, so nobody need wait for it; not even those who get its dead letters. */
ISOLATION_TEST(sink_behind_a_spill_that_waits_to_begin_anew_holds_up_no_epoch)
{
	start_and_await_halted(
	    *kind,
	    UP_TO(1000) "sources: {a: {type: numbers, count: 1000000000}}\n"
			"sinks:\n"
			"  moody: {type: moody, inputs: [a], stumbles: 5000, dead_letter: rest,"
			" queue: {capacity: 2, when_full: spill}}\n"
			"  rest: {type: collect, inputs: []}\n");
	uint64_t before = backend_now_ns(), epoch = pipeline_epoch(&w.pipeline);
	while (any_waits() && pipeline_epoch(&w.pipeline) < epoch + 3) {
		poll(NULL, 0, 1);
		if (backend_now_ns() - before > UINT64_C(5000000000))
			cr_assert_fail("no epoch was committed meanwhile");
	}
	pipeline_stop(&w.pipeline);
	epoch_world_await_end(&w);
	cr_expect_null(pipeline_failed(&w.pipeline));
	end();
}
