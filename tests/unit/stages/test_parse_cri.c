#include "stages/builtin.h"
#include "stages/delta.h"
#include "tests/unit/stages/transform_trial.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL "timestamp stream message error"
#define T1 "2016-10-06T00:17:09.1Z"
#define T2 "2016-10-06T00:17:09.25+00:00"
#define SECOND UINT64_C(1000000000)

static void expect(struct transform_trial *t, uint32_t record, const char *name,
		   const char *expected)
{
	const char *got = transform_get(t, record, name);
	cr_expect_str_eq(got, expected, "record %u: %s is %s, not %s", record, name, got, expected);
}

/* What came out, as the lines that a sink writes: as runs of neighbours. */
static const char *written(const struct transform_trial *t)
{
	static char to[1 << 17];
	size_t at = 0;
	for (uint32_t i = 0; t->batch && i < t->batch->count;) {
		struct batch_run run = batch_run(t->batch, i);
		memcpy(to + at, run.bytes, run.length);
		at += run.length;
		to[at++] = '\n';
		i += run.count;
	}
	to[at] = 0;
	return to;
}

Test(parse_cri, whole_lines_stay_as_they_are)
{
	static const char lines[] =
	    T1 " stdout F one\n"
	       "{\"log\":\"two \\u0041\\n\",\"stream\":\"stderr\",\"time\":\"" T2 "\"}\n"
	       "three\n" T1 " stdout F \n";
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_cri_type, "", ALL);
	cr_assert_eq(transform_feed_text(&t, lines), 0);
	cr_expect_str_eq(written(&t), lines);
	expect(&t, 0, "timestamp", T1);
	expect(&t, 0, "stream", "stdout");
	expect(&t, 0, "message", "one");
	expect(&t, 1, "timestamp", T2);
	expect(&t, 1, "stream", "stderr");
	expect(&t, 1, "message", "~two \\u0041");
	expect(&t, 2, "error", "time");
	expect(&t, 2, "message", "-");
	expect(&t, 3, "message", "");
	cr_expect_eq(t.batch->held_count, 0, "nothing is copied");
	transform_end(&t);
}

Test(parse_cri, parts_become_the_line_they_were_with_the_time_of_the_first)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_cri_type, "", ALL);
	transform_feed_text(&t, T1 " stdout F a\n" T1 " stdout P one, \n" T1 " stderr P x\n" T2
				   " stdout P two, \n" T2 " stdout F:tag three\n" T2
				   " stderr F y\n" T2 " stdout F b\n");
	cr_expect_str_eq(written(&t), T1 " stdout F a\n" T1 " stdout F:tag one, two, three\n" T1
					 " stderr F xy\n" T2 " stdout F b\n");
	expect(&t, 0, "message", "a");
	expect(&t, 1, "timestamp", T1);
	expect(&t, 1, "message", "one, two, three");
	expect(&t, 2, "stream", "stderr");
	expect(&t, 2, "message", "xy");
	expect(&t, 3, "message", "b");
	cr_expect_eq(t.batch->bytes_total, strlen(written(&t)) - 4);
	cr_expect_eq(counter_get(&t.counters.lost[LOSS_LONG_LINE_SPLIT]), 0);
	transform_end(&t);
}

#define D(log, time) "{\"log\":\"" log "\",\"stream\":\"stdout\",\"time\":\"" time "\"}\n"
#define R(log, time)                                                                               \
	"{\"time\":\"" time "\",\"stream\":\"stdout\",\"log\":\"" log "\",\"attrs\":{}}\n"

Test(parse_cri, parts_of_docker_are_joined_with_their_escapes)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_cri_type, "", ALL);
	transform_feed_text(&t,
			    D("a\\t", T1) D("b", T1) D("c\\n", T2) R("d", T1) R("e\\\"\\n", T2));
	cr_expect_str_eq(written(&t), D("a\\tbc\\n", T1) R("de\\\"\\n", T1));
	expect(&t, 0, "message", "~a\\tbc");
	expect(&t, 1, "message", "~de\\\"");
	expect(&t, 1, "timestamp", T1);
	transform_end(&t);
}

Test(parse_cri, a_part_waits_for_the_next_batch)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_cri_type, "", ALL);
	transform_feed_text(&t, T1 " stdout P one, \n");
	cr_expect_eq(transform_count(&t), 0);
	transform_feed_text(&t, T1 " stderr F other\n");
	cr_expect_str_eq(written(&t), T1 " stderr F other\n");
	transform_feed_text(&t, T2 " stdout F two");
	cr_assert_eq(transform_count(&t), 1);
	expect(&t, 0, "message", "one, two");
	cr_expect_str_eq(written(&t), T1 " stdout F one, two\n");
	transform_end(&t);
}

Test(parse_cri, parts_of_two_files_of_one_source_are_not_joined)
{
	struct transform_trial t = {.batch = NULL};
	struct file_origin *a = file_origin_new("/logs/a.log", NULL, 1, 1);
	struct file_origin *b = file_origin_new("/logs/b.log", NULL, 1, 2);
	transform_begin(&t, &parse_cri_type, "", ALL);
	t.origin = a;
	transform_feed_text(&t, T1 " stdout P of a, \n");
	t.origin = b;
	transform_feed_text(&t, T1 " stdout F of b\n");
	cr_expect_str_eq(written(&t), T1 " stdout F of b\n");
	t.origin = a;
	transform_feed_text(&t, T2 " stdout F too\n");
	cr_expect_str_eq(written(&t), T1 " stdout F of a, too\n");
	transform_end(&t);
	file_origin_let_go(a);
	file_origin_let_go(b);
}

Test(parse_cri, at_the_end_of_the_input_what_is_held_goes_on_as_a_part)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_cri_type, "", ALL);
	transform_feed_text(&t, T1 " stdout P one\n" D("tw", T2) D("o\\t", T2));
	cr_expect_eq(transform_hand_on(&t), 0);
	cr_expect_eq(transform_count(&t), 0);
	t.stage.ending = true;
	cr_expect_eq(transform_hand_on(&t), STEP_MORE);
	cr_expect_str_eq(written(&t), T1 " stdout P one\n");
	expect(&t, 0, "message", "one");
	expect(&t, 0, "timestamp", T1);
	cr_expect_str_eq(t.batch->source, "in");
	cr_expect_eq(transform_hand_on(&t), STEP_MORE);
	cr_expect_str_eq(written(&t), D("two\\t", T2));
	expect(&t, 0, "message", "~two\\t");
	cr_expect_eq(transform_hand_on(&t), 0);
	transform_end(&t);
}

Test(parse_cri, a_part_waits_no_longer_than_it_is_told)
{
	struct transform_trial t = {.world.now_ns = 5 * SECOND};
	transform_begin(&t, &parse_cri_type, "timeout: 2s", ALL);
	transform_feed_text(&t, T1 " stdout P one\n");
	t.world.now_ns = 6 * SECOND;
	transform_feed_text(&t, T1 " stdout P two\n");
	cr_expect_eq(transform_hand_on(&t), 0);
	cr_expect_eq(t.world.wake_ns, 8 * SECOND);
	t.world.now_ns = 8 * SECOND;
	cr_expect_eq(transform_hand_on(&t), STEP_MORE);
	cr_expect_str_eq(written(&t), T1 " stdout P onetwo\n");
	cr_expect_eq(counter_get(&t.counters.changes), 1, "an epoch is due");
	transform_feed_text(&t, T1 " stdout F three\n");
	cr_expect_str_eq(written(&t), T1 " stdout F three\n");
	transform_end(&t);
}

Test(parse_cri, what_does_not_fit_goes_on_in_parts_and_is_counted)
{
	struct transform_trial t = {.batch = NULL};
	char line[1200], text[1024];
	memset(text, 'x', sizeof text);
	transform_begin(&t, &parse_cri_type, "max_bytes: 1KiB", ALL);
	snprintf(line, sizeof line, T1 " stdout P %.1000s\n", text);
	transform_feed_text(&t, line);
	cr_expect_eq(transform_count(&t), 0);
	snprintf(line, sizeof line, T2 " stdout P %.25s\n", text);
	transform_feed_text(&t, line);
	cr_assert_eq(transform_count(&t), 1);
	cr_expect_eq(strlen(transform_get(&t, 0, "message")), 1025);
	cr_expect_eq(memcmp(written(&t), T1 " stdout P x", strlen(T1) + 11), 0);
	cr_expect_eq(counter_get(&t.counters.lost[LOSS_LONG_LINE_SPLIT]), 1);
	transform_feed_text(&t, T2 " stdout P y\n" T2 " stdout F z\n");
	cr_expect_str_eq(written(&t), T2 " stdout F yz\n");
	transform_end(&t);
}

Test(parse_cri, what_is_held_is_remembered_and_gone_on_with)
{
	struct transform_trial before = {.batch = NULL}, after = {.batch = NULL};
	struct delta d = {.count = 0};
	transform_begin(&before, &parse_cri_type, "", ALL);
	transform_feed_text(&before, T1 " stdout P one, \n" D("tw", T1) T1 " stderr P x\n");
	cr_assert_eq(parse_cri_type.snapshot(&before.stage, &d), 0);
	after.saved = &d;
	transform_begin(&after, &parse_cri_type, "", ALL);
	transform_feed_text(&after, T2 " stderr F y\n" D("o\\n", T2) T2 " stdout F two\n");
	cr_expect_str_eq(written(&after),
			 T1 " stderr F xy\n" D("two\\n", T1) T1 " stdout F one, two\n");
	transform_end(&before);
	transform_end(&after);
	delta_release(&d);
}

Test(parse_cri, a_snapshot_says_only_what_has_changed)
{
	struct transform_trial t = {.batch = NULL};
	struct delta d = {.count = 0};
	struct change c;
	transform_begin(&t, &parse_cri_type, "", ALL);
	transform_feed_text(&t, T1 " stdout F whole\n");
	cr_assert_eq(parse_cri_type.snapshot(&t.stage, &d), 0);
	cr_expect(delta_is_empty(&d));
	transform_feed_text(&t, T1 " stdout P part\n");
	cr_assert_eq(parse_cri_type.snapshot(&t.stage, &d), 0);
	cr_expect_eq(d.count, 1);
	cr_assert_eq(parse_cri_type.snapshot(&t.stage, &d), 0);
	cr_expect_eq(d.count, 1);
	delta_clear(&d);
	transform_feed_text(&t, T1 " stdout F rest\n");
	cr_assert_eq(parse_cri_type.snapshot(&t.stage, &d), 0);
	struct packed rest = delta_changes(&d);
	cr_assert(delta_next(&rest, &c));
	cr_expect(c.removal);
	transform_end(&t);
	delta_release(&d);
}

Test(parse_cri, an_encoder_gets_every_field_under_its_prefix)
{
	struct transform_trial t = {.batch = NULL};
	transform_begin(&t, &parse_cri_type, "prefix: c_", "*");
	transform_feed_text(&t, T1 " stdout F m\n");
	expect(&t, 0, "c_message", "m");
	expect(&t, 0, "c_stream", "stdout");
	transform_end(&t);
}

/* Cuts a stream of lines into parts and batches wherever chance has it; what comes out is what was cut. */
Test(parse_cri, however_lines_are_cut_they_are_whole_again)
{
	srand(7);
	for (int round = 0; round < 50; round++) {
		struct transform_trial t = {.batch = NULL};
		static char expected[1 << 16], got[1 << 16], batch[1 << 16];
		size_t expected_at = 0, got_at = 0, batch_at = 0;
		transform_begin(&t, &parse_cri_type, "", ALL);
		for (int line = 0; line < 40; line++) {
			bool err = rand() % 4 == 0;
			int parts = 1 + rand() % 4;
			for (int part = 1; part <= parts; part++) {
				char text[32];
				snprintf(text, sizeof text, "<%d.%d>", line, part);
				batch_at += (size_t)sprintf(batch + batch_at, T1 " %s %c %s\n",
							    err ? "stderr" : "stdout",
							    part < parts ? 'P' : 'F', text);
				expected_at += (size_t)sprintf(expected + expected_at, "%s", text);
				if (rand() % 3 > 0)
					continue;
				transform_feed(&t, batch, batch_at);
				batch_at = 0;
				for (uint32_t i = 0; i < transform_count(&t); i++)
					got_at += (size_t)sprintf(got + got_at, "%s\n",
								  transform_get(&t, i, "message"));
			}
			expected_at += (size_t)sprintf(expected + expected_at, "\n");
		}
		if (batch_at > 0)
			transform_feed(&t, batch, batch_at);
		for (uint32_t i = 0; batch_at > 0 && i < transform_count(&t); i++)
			got_at +=
			    (size_t)sprintf(got + got_at, "%s\n", transform_get(&t, i, "message"));
		got[got_at] = 0;
		cr_expect_str_eq(got, expected);
		transform_end(&t);
	}
}
