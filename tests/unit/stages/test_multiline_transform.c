/* multiline as a transform: the records are the same however the lines come in batches, neighbours or not. */
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(multiline_transform, .fini = transforms_forget);

#define SHOWN "sinks: {out: {type: show, inputs: [joined]}}\n"

static void join_by(unsigned per_batch, const char *before, const char *options, const char *lines,
		    const char *records)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml,
		 "sources: {in: {type: lines, per_batch: %u}}\n"
		 "transforms:\n%s"
		 "  joined: {type: multiline, inputs: [%s], timeout: 1h, %s}\n" SHOWN,
		 per_batch, before, *before ? "some" : "in", options);
	transforms_pass(yaml, lines);
	transforms_expect("out", records);
}

static void expect_joined(const char *options, const char *lines, const char *records)
{
	for (unsigned per_batch = 1; per_batch < 8; per_batch++)
		join_by(per_batch, "", options, lines, records);
	join_by(4096, "", options, lines, records);
}

Test(multiline_transform, records_are_joined_within_batches_and_beyond_them)
{
	expect_joined("start: '^S'", "S1\na\nb\nS2\nS3\nc\n", "S1\na\nb |\nS2 |\nS3\nc |\n");
	expect_joined("start: '^S'", "a\nb\n\n\nc\n", "a\nb\n\n\nc |\n");
	expect_joined("end: ';$'", "a\nb;\nc;\nd\ne\n", "a\nb; |\nc; |\nd\ne |\n");
	expect_joined("preset: java", "x\ny\n\tat a\n\tat b\nz\n\tat c\n",
		      "x |\ny\n\tat a\n\tat b |\nz\n\tat c |\n");
	expect_joined("preset: csv", "\"a\nb\"\nc\n\"d\n\ne\"\n",
		      "\"a\nb\" |\nc |\n\"d\n\ne\" |\n");
}

Test(multiline_transform, records_of_too_many_lines_are_cut_alike)
{
	expect_joined("start: '^S', max_lines: 3", "S1\na\nb\nc\nd\ne\nf\nS2\n",
		      "S1\na\nb |\nc\nd\ne |\nf |\nS2 |\n");
	cr_expect_eq(counter_get(&transforms_counters("joined")->lost[LOSS_MULTILINE_CUT]), 2);
	expect_joined("start: '^S', max_bytes: 6B", "S1\nabc\nd\nS2\nabcdefghi\nx\n",
		      "S1\nabc |\nd |\nS2 |\nabcdefghi |\nx |\n");
}

/* What a filter has taken out stands between them. */
Test(multiline_transform, lines_that_are_no_neighbours_any_more_are_joined)
{
	static const char some[] =
	    "  some: {type: filter, inputs: [in], contains: '#', invert: true}\n";
	for (unsigned per_batch = 1; per_batch < 8; per_batch++)
		join_by(per_batch, some, "start: '^S'", "S1\n#\na\n#\n#\nb\nS2\nc\n#\nS3\n#\n",
			"S1\na\nb |\nS2\nc |\nS3 |\n");
}

Test(multiline_transform, lines_that_became_part_of_others_are_counted)
{
	join_by(2, "", "start: '^S'", "S1\na\nb\nS2\nc\n", "S1\na\nb |\nS2\nc |\n");
	const struct stage_counters *c = transforms_counters("joined");
	cr_expect_eq(counter_get(&c->records_in), 5);
	cr_expect_eq(counter_get(&c->records_out), 2);
	cr_expect_eq(counter_get(&c->joined), 3);
}

/* The parser finds nothing in single lines that a record would have. */
Test(multiline_transform, records_are_parsed_when_they_are_whole)
{
	for (unsigned per_batch = 1; per_batch < 5; per_batch++) {
		char yaml[1024];
		snprintf(
		    yaml, sizeof yaml,
		    "sources: {in: {type: lines, per_batch: %u}}\n"
		    "transforms:\n"
		    "  single: {type: parse_json, inputs: [in]}\n"
		    "  joined: {type: multiline, inputs: [single], start: '^{', timeout: 1h}\n"
		    "  parsed: {type: parse_json, inputs: [joined]}\n"
		    "sinks: {out: {type: show, inputs: [parsed], fields: [a, b, error, source]}}\n",
		    per_batch);
		transforms_pass(yaml, "{\"a\": 1,\n\"b\": 2}\n{\"a\": 3}\n");
		transforms_expect(
		    "out",
		    "{\"a\": 1,\n\"b\": 2} | a=digits \"1\" b=digits \"2\" error=- source=\"in\"\n"
		    "{\"a\": 3} | a=digits \"3\" b=- error=- source=\"in\"\n");
	}
}

/* What is open when a batch is full, and records that are as large as buffers. */
Test(multiline_transform, long_records_are_joined_over_many_batches)
{
	enum { LINES = 9000 };
	char *lines = malloc(LINES * 16 + 1), *wanted = malloc(LINES * 20 + 1), *at = lines,
	     *to = wanted;
	for (int i = 0; i < LINES; i++)
		at += sprintf(at, "%c %012d\n", i % 1000 == 0 ? 'S' : 'x', i);
	for (int i = 0; i < LINES; i++) {
		to = mempcpy(to, lines + i * 15, 14);
		to = stpcpy(to, i % 1000 == 999 ? " |\n" : "\n");
	}
	join_by(4096, "", "start: '^S', max_lines: 1000", lines, wanted);
	join_by(7, "", "start: '^S', max_lines: 1000", lines, wanted);
	free(lines);
	free(wanted);
}

static void random_lines(char *to, int lines)
{
	static const char *const some[] = {"S", "S \"x", " a", "", "E", "end \"", "#", "x"};
	for (int i = 0; i < lines; i++)
		to += sprintf(to, "%s\n", some[(unsigned)rand() % (sizeof some / sizeof *some)]);
}

/* The records that the first way makes. */
static char *shown_by(unsigned per_batch, const char *before, const char *options,
		      const char *lines)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml,
		 "sources: {in: {type: lines, per_batch: %u}}\n"
		 "transforms:\n%s"
		 "  joined: {type: multiline, inputs: [%s], timeout: 1h, %s}\n" SHOWN,
		 per_batch, before, *before ? "some" : "in", options);
	transforms_pass(yaml, lines);
	return strdup(transforms_shown("out"));
}

Test(multiline_transform, random_lines_make_the_same_records_in_any_batches)
{
	static const char *const options[] = {
	    "start: '^S'",
	    "continue: '^ ', max_lines: 2",
	    "end: '^E', max_bytes: 20B",
	    "start: '^S', continue: '^[ x]', end: '^E'",
	    "preset: csv, max_bytes: 60B",
	};
	static const char *const before[] = {
	    "", "  some: {type: filter, inputs: [in], contains: '#', invert: true}\n"};
	static char lines[4096];
	srand(3);
	for (int round = 0; round < 40; round++) {
		random_lines(lines, 1 + rand() % 200);
		const char *b = before[round % 2], *o = options[round % 5];
		char *whole = shown_by(4096, b, o, lines);
		char *parts = shown_by(1 + (unsigned)rand() % 9, b, o, lines);
		cr_assert_str_eq(parts, whole, "%s:\n%s", o, lines);
		free(whole);
		free(parts);
	}
}

Test(multiline_transform, options_that_say_nothing_are_refused)
{
	transforms_refuse("transforms: {f: {type: multiline, inputs: [in]}}\n"
			  "sinks: {out: {type: show, inputs: [f]}}\n",
			  "t.yaml:1:14: multiline needs `start`, `continue`, `end` or `preset`\n");
	transforms_refuse(
	    "transforms: {f: {type: multiline, inputs: [in], preset: go, start: '('}}\n"
	    "sinks: {out: {type: show, inputs: [f]}}\n",
	    "t.yaml:1:68: `start` beside `preset: go`, which says it all; leave one of them out\n"
	    "t.yaml:1:70: `start` does not compile: missing closing parenthesis\n");
}
