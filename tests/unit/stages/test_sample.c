/* One record in so many, the same ones each time, over real batches. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(sample, .fini = transforms_forget);

#define SAMPLE(what)                                                                               \
	"transforms:\n  p: {type: parse_json, inputs: [in]}\n  s: {type: sample, inputs: "         \
	"[p], " what "}\n"
#define OUT "sinks: {out: {type: show, inputs: [s]}}\n"

/* n records with the numbers from 0 on, and one of k users each; the caller's. */
static char *records(int n, int k)
{
	char *lines = malloc((size_t)n * 32 + 1), *end = lines;
	*end = 0;
	for (int i = 0; i < n; i++)
		end += sprintf(end, "{\"n\":%d,\"u\":\"u%d\"}\n", i, i % k);
	return lines;
}

static uint64_t kept(void)
{
	return counter_get(&transforms_counters("s")->records_out);
}

Test(sample, about_one_in_so_many_is_kept)
{
	char *lines = records(20000, 1);
	transforms_pass(SAMPLE("rate: 10") OUT, lines);
	cr_expect(kept() > 1800 && kept() < 2200, "%zu", (size_t)kept());
	transforms_pass(SAMPLE("rate: 1") OUT, lines);
	cr_expect_eq(kept(), 20000);
	free(lines);
}

/* That these are kept is what a restart relies on: another hash would keep others. */
Test(sample, the_same_records_are_kept_each_time)
{
	char *lines = records(40, 40);
	static const char expected[] =
	    "{\"n\":5,\"u\":\"u5\"} |\n{\"n\":11,\"u\":\"u11\"} |\n{\"n\":32,\"u\":\"u32\"} |\n"
	    "{\"n\":33,\"u\":\"u33\"} |\n";
	transforms_pass(SAMPLE("rate: 10") OUT, lines);
	transforms_expect("out", expected);
	transforms_pass(
	    "sources: {in: {type: lines, per_batch: 1}}\n" SAMPLE("rate: 10, workers: 4") OUT,
	    lines);
	transforms_expect("out", expected);
	free(lines);
}

Test(sample, records_with_one_key_are_kept_or_dropped_together)
{
	char *lines = records(2000, 100);
	transforms_pass(SAMPLE("rate: 4, key: u") OUT, lines);
	cr_expect_eq(kept() % 20, 0, "each of 100 users has 20");
	int users = (int)kept() / 20;
	cr_expect(users > 10 && users < 40, "%d of 100", users);
	free(lines);
}

Test(sample, keys_are_the_same_as_cel_has_it)
{
	for (int i = 0; i < 40; i++) {
		char lines[256];
		sprintf(lines, "{\"k\":%d}\n{\"k\":%d.0}\n{\"k\":%de0}\n", i, i, i);
		transforms_pass(SAMPLE("rate: 2, key: k") OUT, lines);
		cr_expect_eq(kept() % 3, 0, "%d", i);
		sprintf(lines, "{\"k\":\"%c\"}\n{\"k\":\"\\u00%02x\"}\n", 'A' + i, 'A' + i);
		transforms_pass(SAMPLE("rate: 2, key: k") OUT, i == '\\' - 'A' ? "{}\n" : lines);
		cr_expect_eq(kept() % 2, i == '\\' - 'A', "%d", i);
	}
}

Test(sample, excluded_records_are_all_kept)
{
	char *lines = records(1000, 10);
	transforms_pass(SAMPLE("rate: 1000000, exclude: 'u == \"u3\"'") OUT, lines);
	cr_expect_eq(kept(), 100);
	free(lines);
}

Test(sample, record_without_its_key_is_a_failure)
{
	transforms_pass(SAMPLE("rate: 1000000, key: k") "sinks: {out: {type: show, inputs: [s], "
							"fields: [error]}}\n",
			"{\"k\":1}\n{\"x\":1}\n{\"k\":2}\n{\"x\":2}\n");
	transforms_expect(
	    "out", "{\"x\":1} | error=\"no such field\"\n{\"x\":2} | error=\"no such field\"\n");
	cr_expect_eq(counter_get(&transforms_counters("s")->refused), 2);
	transforms_pass(SAMPLE("rate: 1000000, key: k, on_error: drop") OUT,
			"{\"k\":1}\n{\"x\":1}\n");
	transforms_expect("out", "");
}

Test(sample, mistakes_are_told_at_load_with_their_columns)
{
	transforms_refuse(SAMPLE("rate: 0, key: 'a +', exclude: '1'") OUT,
			  "t.yaml:3:40: `rate` is 0; write at least 1\n");
	transforms_refuse(
	    SAMPLE("rate: 2, key: 'a +', exclude: '1'") OUT,
	    "t.yaml:3:52: `key`: expected a value, a name or `(`, not the end of the expression\n"
	    "t.yaml:3:64: `exclude` has to be true or false for each record\n");
	transforms_refuse(SAMPLE("key: a") OUT, "t.yaml:3:3: the required option `rate` is "
						"missing; write `rate:` and a whole number\n");
}
