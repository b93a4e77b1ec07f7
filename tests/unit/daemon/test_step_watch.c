/* test_step_watch.c - steps that take too long: which are, and when they are told. */
#include "daemon/pipeline.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/said.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>

#define MS UINT64_C(1000000)

static struct slow_steps slow;
static uint64_t count, longest;

static bool add(uint64_t took_ms, uint64_t now_ms)
{
	return slow_steps_add(&slow, took_ms * MS, now_ms * MS, &count, &longest);
}

Test(step_watch, first_one_is_told_at_once_and_those_of_the_next_minute_after_it)
{
	cr_expect(add(150, 1000));
	cr_expect_eq(count, 1);
	for (uint64_t now = 1001; now < 61000; now += 1000)
		cr_expect_not(add(now == 30001 ? 900 : 120, now));
	cr_expect(add(130, 61000));
	cr_expect_eq(count, 61);
	cr_expect_eq(longest, 900 * MS);
	cr_expect_not(add(130, 61001));
}

/* What a pipeline of these says; its counters are in the last two. */
static int run(const char *yaml, const char *words, uint64_t *ret_first, uint64_t *ret_second)
{
	struct topology topology;
	struct plan plan;
	struct pipeline p;
	waiter_setup(true);
	fake_load(&topology, &plan, yaml);
	cr_assert_eq(pipeline_init(&p, &plan, true, BACKEND_PLAIN, NULL), 0);
	said_begin();
	cr_assert_eq(pipeline_start(&p), 0);
	struct pollfd ended = {.fd = p.ended_event, .events = POLLIN};
	while (!pipeline_ended(&p))
		poll(&ended, 1, 10);
	pipeline_join(&p);
	pipeline_tell_figures(&p);
	int times = said_end(words);
	*ret_first = counter_get(&p.counters[0].slow_steps);
	*ret_second = counter_get(&p.counters[1].slow_steps);
	pipeline_release(&p);
	plan_release(&plan);
	topology_release(&topology);
	fake_forget();
	return times;
}

/* On a machine that is busy a nap may be taken for waiting for a CPU; of five one is not. */
Test(step_watch, stage_that_blocks_is_named_once_and_each_time_is_counted)
{
	uint64_t source, blocks;
	int times = run("sources: {a: {type: numbers, count: 50}}\n"
			"transforms: {sleepy: {type: naps, inputs: [a], every: 10, ms: 250, "
			"workers: 1}}\n"
			"sinks: {out: {type: nothing, inputs: [sleepy]}}\n",
			"step took too long", &source, &blocks);
	cr_expect_eq(times, 1, "%s", said_text());
	cr_expect(strstr(said_text(), "warn sleepy: step took too long worker=sleepy "
				      "stages=sleepy ms="),
		  "%s", said_text());
	cr_expect(strstr(said_text(), "sleepy: counted what=\"steps over 100 ms\" count="));
	cr_expect_geq(blocks, 1);
	cr_expect_leq(blocks, 5);
	cr_expect_eq(source, 0);
}

Test(step_watch, one_that_is_fused_is_named_with_those_it_runs_with)
{
	uint64_t source, blocks;
	run("sources: {a: {type: numbers, count: 30}}\n"
	    "transforms: {sleepy: {type: naps, inputs: [a], every: 10, ms: 250}}\n"
	    "sinks: {out: {type: collect, inputs: [sleepy]}}\n",
	    "step took too long", &source, &blocks);
	cr_expect(strstr(said_text(), "stages=\"a,sleepy\"") ||
		      strstr(said_text(), "stages=a,sleepy"),
		  "%s", said_text());
	cr_expect_geq(source, 1);
}

Test(step_watch, steps_of_fifty_milliseconds_are_not_told)
{
	uint64_t source, blocks;
	int times = run("sources: {a: {type: numbers, count: 50}}\n"
			"transforms: {sleepy: {type: naps, inputs: [a], every: 10, ms: 50}}\n"
			"sinks: {out: {type: nothing, inputs: [sleepy]}}\n",
			"step took too long", &source, &blocks);
	cr_expect_eq(times, 0, "%s", said_text());
	cr_expect_eq(source + blocks, 0);
}
