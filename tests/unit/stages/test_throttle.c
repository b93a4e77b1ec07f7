/* throttle: how many go through, of which key, and in what order. Buckets fill while a test runs, if slowly: what may have come in
 * meanwhile is allowed for. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

TestSuite(throttle, .fini = transforms_forget);

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* How often it stands in what came out. */
static unsigned count(const char *what)
{
	unsigned n = 0;
	for (const char *at = transforms_shown("out"); (at = strstr(at, what)); at++)
		n++;
	return n;
}

static double pass(unsigned per_batch, const char *options, const char *lines)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml,
		 "sources: {in: {type: lines, per_batch: %u}}\n"
		 "transforms:\n"
		 "  parsed: {type: parse_json, inputs: [in]}\n"
		 "  slow: {type: throttle, inputs: [parsed], %s}\n"
		 "sinks: {out: {type: show, inputs: [slow]}}\n",
		 per_batch, options);
	double before = seconds();
	transforms_pass(yaml, lines);
	return seconds() - before;
}

static uint64_t throttled(void)
{
	return counter_get(&transforms_counters("slow")->lost[LOSS_THROTTLED]);
}

/* At one a second. */
static void expect_between(unsigned got, unsigned least, double took)
{
	cr_expect_geq(got, least);
	cr_expect_leq(got, least + (unsigned)took + 1, "%u in %f s", got, took);
}

static const char one_key[] = "{\"h\": \"a\"}\n{\"h\": \"a\"}\n{\"h\": \"a\"}\n{\"h\": \"a\"}\n"
			      "{\"h\": \"a\"}\n{\"h\": \"a\"}\n";

Test(throttle, what_is_more_than_the_burst_is_dropped_and_counted)
{
	for (unsigned per_batch = 1; per_batch <= 6; per_batch++) {
		double took = pass(per_batch, "rate: 1/s, burst: 3", one_key);
		expect_between(count("\"a\""), 3, took);
		cr_expect_eq(throttled(), 6 - count("\"a\""));
	}
}

Test(throttle, burst_is_what_comes_in_a_second_unless_it_is_said)
{
	double took = pass(4096, "rate: 2/s", one_key);
	cr_expect_geq(count("\"a\""), 2);
	cr_expect_leq(count("\"a\""), 3 + (unsigned)(2 * took));
}

/* However the value is written. */
static const char many_keys[] = "{\"h\": \"a\"}\n{\"h\": \"b\"}\n{\"h\": \"\\u0061\"}\n{\"h\": 1}\n"
				"{\"h\": \"1\"}\n{\"x\": 1}\n{\"h\": null}\n{\"h\": \"b\"}\n"
				"{\"h\": 1}\n{\"y\": 2}\n";

Test(throttle, each_key_has_a_rate_of_its_own)
{
	double took = pass(3, "rate: 1/s, burst: 1, key: h", many_keys);
	if (took > 0.9)
		cr_skip_test("it took so long that buckets have filled");
	transforms_expect("out",
			  "{\"h\": \"a\"} |\n{\"h\": \"b\"} |\n{\"h\": 1} |\n{\"h\": \"1\"} |\n"
			  "{\"x\": 1} |\n{\"h\": null} |\n");
	cr_expect_eq(throttled(), 4);
}

Test(throttle, keys_may_be_of_several_fields)
{
	double took = pass(2, "rate: 1/s, burst: 1, key: [h, i]",
			   "{\"h\": 1, \"i\": 23}\n{\"h\": 12, \"i\": 3}\n{\"h\": 1, \"i\": 23}\n"
			   "{\"i\": 1}\n{\"h\": 1}\n");
	if (took > 0.9)
		cr_skip_test("it took so long that buckets have filled");
	transforms_expect("out", "{\"h\": 1, \"i\": 23} |\n{\"h\": 12, \"i\": 3} |\n{\"i\": 1} |\n"
				 "{\"h\": 1} |\n");
}

Test(throttle, key_that_was_used_longest_ago_is_forgotten_for_a_new_one)
{
	double took =
	    pass(4, "rate: 1/s, burst: 1, key: h, max_keys: 2",
		 "{\"h\": 1}\n{\"h\": 2}\n{\"h\": 1}\n{\"h\": 3}\n{\"h\": 1}\n{\"h\": 2}\n");
	if (took > 0.9)
		cr_skip_test("it took so long that buckets have filled");
	/* 3 takes the place of 2, which is full when it comes again */
	transforms_expect("out", "{\"h\": 1} |\n{\"h\": 2} |\n{\"h\": 3} |\n{\"h\": 2} |\n");
}

static char *numbered(unsigned n)
{
	char *lines = malloc((size_t)n * 32 + 1), *at = lines;
	for (unsigned i = 0; i < n; i++)
		at += sprintf(at, "{\"h\": %u}\n", i);
	return lines;
}

static char *shown(const char *lines)
{
	char *text = malloc(2 * strlen(lines) + 1), *to = text;
	for (; *lines; lines++)
		to = *lines == '\n' ? stpcpy(to, " |\n") : (*to = *lines, to + 1);
	*to = '\0';
	return text;
}

Test(throttle, what_waits_goes_on_whole_and_in_order_and_not_too_fast)
{
	static const unsigned per_batch[] = {1, 7, 4096};
	char *lines = numbered(60), *all = shown(lines);
	for (size_t i = 0; i < 3; i++) {
		double took =
		    pass(per_batch[i], "rate: 100/s, burst: 10, when_exceeded: wait", lines);
		transforms_expect("out", all);
		cr_expect_geq(took, 0.49, "%f s", took);
		cr_expect_eq(throttled(), 0);
	}
	free(lines);
	free(all);
}

Test(throttle, what_waits_for_one_key_holds_up_what_is_behind_it)
{
	static const char lines[] = "{\"h\": 1}\n{\"h\": 1}\n{\"h\": 2}\n{\"h\": 1}\n{\"h\": 3}\n";
	char *all = shown(lines);
	double took = pass(2, "rate: 10/s, burst: 1, key: h, when_exceeded: wait", lines);
	transforms_expect("out", all);
	cr_expect_geq(took, 0.19, "%f s", took);
	free(all);
}

Test(throttle, two_in_a_row_hold_what_the_slower_allows)
{
	char *lines = numbered(30), *all = shown(lines);
	double before = seconds();
	transforms_pass(
	    "sources: {in: {type: lines, per_batch: 4}}\n"
	    "transforms:\n"
	    "  one: {type: throttle, inputs: [in], rate: 200/s, burst: 1, when_exceeded: wait}\n"
	    "  two: {type: throttle, inputs: [one], rate: 100/s, burst: 1, when_exceeded: wait}\n"
	    "sinks: {out: {type: show, inputs: [two]}}\n",
	    lines);
	cr_expect_geq(seconds() - before, 0.28);
	transforms_expect("out", all);
	free(lines);
	free(all);
}

Test(throttle, options_without_sense_are_refused)
{
	transforms_refuse("transforms: {f: {type: throttle, inputs: [in], burst: 0, rate: 0/s}}\n"
			  "sinks: {out: {type: show, inputs: [f]}}\n",
			  "t.yaml:1:55: `burst` is 0; write at least 1\n"
			  "t.yaml:1:64: `rate` is 0/s; write at least 1/s\n");
}
