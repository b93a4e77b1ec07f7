#include "tests/unit/stages/stateful_fixture.h"
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(dedupe, .fini = transforms_forget);

#define SINKS "sinks: {o: {type: show, inputs: [d]}}\n"

Test(dedupe, of_records_that_are_the_same_the_first_is_kept)
{
	transforms_pass("transforms: {d: {type: dedupe, inputs: [in]}}\n" SINKS,
			"a\nb\na\n\nc\n\nb\na \n");
	transforms_expect("o", "a |\nb |\n |\nc |\na  |\n");
}

Test(dedupe, keys_are_compared_by_value_not_by_how_they_are_written)
{
	transforms_pass("transforms:\n"
			"  p: {type: parse_json, inputs: [in]}\n"
			"  d: {type: dedupe, inputs: [p], key: [id, u.n]}\n"
			"sinks: {o: {type: show, inputs: [d], fields: [id]}}\n",
			"{\"id\": 1, \"u\": {\"n\": \"ab\"}}\n"
			"{\"id\": 1.0, \"u\": {\"n\": \"a\\u0062\"}}\n"
			"{\"id\": 10e-1, \"u\": {\"n\": \"ab\"}, \"x\": 1}\n"
			"{\"id\": \"1\", \"u\": {\"n\": \"ab\"}}\n"
			"{\"id\": true, \"u\": {\"n\": \"ab\"}}\n"
			"{\"id\": null, \"u\": {\"n\": \"ab\"}}\n"
			"{\"id\": 18446744073709551615, \"u\": {\"n\": []}}\n"
			"{\"id\": 1e999, \"u\": {\"n\": []}}\n"
			"{\"id\": 1e999, \"u\": {\"n\": []}}\n");
	cr_assert_eq(counter_get(&transforms_counters("d")->records_out), 6);
	cr_assert_eq(counter_get(&transforms_counters("d")->refused), 0);
}

Test(dedupe, parts_of_a_key_do_not_run_into_one_another)
{
	transforms_pass("transforms:\n"
			"  p: {type: parse_json, inputs: [in]}\n"
			"  d: {type: dedupe, inputs: [p], key: [a, b]}\n"
			"sinks: {o: {type: show, inputs: [d]}}\n",
			"{\"a\": \"x\", \"b\": \"yz\"}\n{\"a\": \"xy\", \"b\": \"z\"}\n"
			"{\"b\": \"x\", \"a\": \"yz\"}\n");
	cr_assert_eq(counter_get(&transforms_counters("d")->records_out), 3);
}

Test(dedupe, a_record_without_a_field_of_the_key_is_no_repeat_but_a_failure)
{
	transforms_pass("transforms:\n"
			"  p: {type: parse_json, inputs: [in]}\n"
			"  d: {type: dedupe, inputs: [p], key: id}\n"
			"sinks: {o: {type: show, inputs: [d], fields: [error]}}\n",
			"{}\n{}\n{\"id\": 1}\n{\"id\": 1}\n");
	transforms_expect("o", "{} | error=\"no such field\"\n{} | error=\"no such field\"\n"
			       "{\"id\": 1} | error=-\n");
	cr_assert_eq(counter_get(&transforms_counters("d")->refused), 2);
}

Test(dedupe, the_key_first_seen_longest_ago_goes_first_and_a_repeat_does_not_help_it)
{
	transforms_pass(
	    "transforms: {d: {type: dedupe, inputs: [in], window: {records: 2}}}\n" SINKS,
	    "a\nb\na\nc\na\n");
	transforms_expect("o", "a |\nb |\nc |\na |\n");
}

Test(dedupe, names_that_are_none_and_windows_of_nothing_are_told)
{
	transforms_refuse(
	    "transforms: {d: {type: dedupe, inputs: [in], key: [a..b, c, c]}}\n" SINKS,
	    "t.yaml:1:52: `a..b` can't name a field: it has an empty part; a path is "
	    "names with one dot between them\n"
	    "t.yaml:1:61: `c` stands twice; keep one\n");
	transforms_refuse(
	    "transforms: {d: {type: dedupe, inputs: [in], window: {records: 0}}}\n" SINKS,
	    "t.yaml:1:64: `records` is 0; write at least 1\n");
}

/* ---- with a state ---- */

#define TIMED                                                                                      \
	"transforms: {t: {type: dedupe, inputs: [in], key: k, window: {records: 50, time: "        \
	"10s}}}\n"                                                                                 \
	"sinks: {o: {type: show, inputs: [t]}}\n"

static struct stateful x;

static void feed_one(int64_t time_ms, const char *k)
{
	const struct stateful_record r = {.time_ms = time_ms, .k = k};
	cr_assert_eq(stateful_feed(&x, &r, 1, 1), 0);
}

Test(dedupe, a_key_is_forgotten_so_long_after_it_was_first_seen)
{
	stateful_init(&x, TIMED);
	feed_one(0, "a");
	feed_one(9999, "a");
	feed_one(5000, "b"); /* late: first seen at 9999, as far as anybody knows */
	feed_one(10000, "a");
	feed_one(15001, "b");
	feed_one(19999, "b");
	cr_assert_str_eq(stateful_text(&x, 0), "a\nb\na\nb\n");
	stateful_release(&x);
}

Test(dedupe, a_time_ahead_of_the_clock_does_not_make_all_keys_old)
{
	stateful_init(&x, TIMED);
	x.world.wall_ns = INT64_C(100000) * 1000000;
	feed_one(99000, "a");
	feed_one(INT64_C(4000000000000), "b");
	feed_one(99500, "a");
	cr_assert_str_eq(stateful_text(&x, 0), "a\nb\n");
	stateful_release(&x);
}

Test(dedupe, that_there_is_no_room_for_all_keys_of_the_window_is_said_once)
{
	char key[16];
	stateful_init(&x, TIMED);
	for (int i = 0; i < 60; i++) {
		snprintf(key, sizeof key, "%d", i);
		feed_one(i, key);
		cr_assert_eq(x.world.said[0] != 0, i == 50);
		x.world.said[0] = 0;
	}
	stateful_release(&x);
}

enum { RECORDS = 3000 };
static char keys[RECORDS][8];
static struct stateful_record records[RECORDS];

/* Times go on by a second in twenty records, with some out of order. */
static void make_records(unsigned seed, int different)
{
	srand(seed);
	for (int i = 0; i < RECORDS; i++) {
		snprintf(keys[i], sizeof keys[i], "%d", rand() % different);
		records[i] = (struct stateful_record){
		    .time_ms = i * 50 - (rand() % 10 ? 0 : rand() % 3000), .k = keys[i]};
	}
}

/* As it would be without a stop. */
static char *uninterrupted(const char *yaml)
{
	stateful_init(&x, yaml);
	cr_assert_eq(stateful_feed(&x, records, RECORDS, 1000), 0);
	char *text = strdup(stateful_text(&x, 0));
	stateful_release(&x);
	return text;
}

Test(dedupe, after_any_crash_exactly_the_same_records_are_dropped)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		make_records(seed, seed % 2 ? 40 : 400);
		char *expected = uninterrupted(TIMED);
		size_t at = 0, committed = 0;
		stateful_init(&x, TIMED);
		while (at < RECORDS) {
			size_t some = 1 + (size_t)rand() % 120;
			some = some < RECORDS - at ? some : RECORDS - at;
			cr_assert_eq(stateful_feed(&x, records + at, some, 1 + (size_t)rand() % 40),
				     0);
			at += some;
			if (rand() % 2) {
				stateful_cut(&x);
				committed = at;
			}
			if (rand() % 3 == 0) {
				cr_assert_eq(stateful_crash(&x), 0);
				at = committed;
			}
		}
		cr_assert_str_eq(stateful_text(&x, 0), expected, "seed %u", seed);
		stateful_release(&x);
		free(expected);
	}
}

Test(dedupe, begun_again_after_each_single_record_nothing_changes)
{
	make_records(7, 60);
	char *expected = uninterrupted(TIMED);
	stateful_init(&x, TIMED);
	for (size_t i = 0; i < RECORDS; i++) {
		cr_assert_eq(stateful_feed(&x, records + i, 1, 1), 0);
		stateful_cut(&x);
		cr_assert_eq(stateful_crash(&x), 0);
	}
	cr_assert_str_eq(stateful_text(&x, 0), expected);
	stateful_release(&x);
	free(expected);
}

#define MANY                                                                                       \
	"transforms: {t: {type: dedupe, inputs: [in], key: k, window: {records: 100000}}}\n"       \
	"sinks: {o: {type: show, inputs: [t]}}\n"

Test(dedupe, an_epoch_says_what_came_and_went_not_all_that_is_known)
{
	static char names[1000][12];
	static struct stateful_record some[1000];
	stateful_init(&x, MANY);
	for (int round = 0; round < 150; round++) {
		for (int i = 0; i < 1000; i++) {
			snprintf(names[i], sizeof names[i], "%d", round * 1000 + i);
			some[i] = (struct stateful_record){.time_ms = NO_TIME, .k = names[i]};
		}
		cr_assert_eq(stateful_feed(&x, some, 1000, 1000), 0);
		stateful_cut(&x);
		cr_assert_lt(x.snapshot_bytes, 30000, "round %d", round);
	}
	cr_assert_lt(epoch_map_stage(&x.map, "t")->packed_bytes, 100000 * 25);
	stateful_cut(&x);
	cr_assert_eq(x.snapshot_bytes, 0, "nothing has changed");
	cr_assert_eq(stateful_crash(&x), 0);
	cr_assert_eq(stateful_feed(&x, some, 1000, 1000), 0);
	cr_assert_eq(strlen(stateful_text(&x, 0)), x.cut[0], "all of them are known");
	stateful_release(&x);
}

Test(dedupe, a_smaller_window_than_before_has_the_newest_keys)
{
	make_records(3, 100000);
	stateful_init(&x, MANY);
	cr_assert_eq(stateful_feed(&x, records, RECORDS, 1000), 0);
	stateful_cut(&x);
	*stateful_number(&x, "window", "records") = 10;
	cr_assert_eq(stateful_crash(&x), 0);
	cr_assert_eq(stateful_feed(&x, records + RECORDS - 10, 10, 10), 0);
	cr_assert_eq(strlen(stateful_text(&x, 0)), x.cut[0], "the last ten are known");
	cr_assert_eq(stateful_feed(&x, records, 1, 1), 0);
	cr_assert_gt(strlen(stateful_text(&x, 0)), x.cut[0], "the first is not");
	stateful_cut(&x);
	cr_assert_eq(stateful_crash(&x), 0);
	stateful_release(&x);
}

Test(dedupe, what_is_not_its_own_is_refused)
{
	struct delta d = {.count = 0};
	stateful_init(&x, MANY);
	make_records(5, 1000);
	cr_assert_eq(stateful_feed(&x, records, 100, 100), 0);
	stateful_cut(&x);
	cr_assert_eq(delta_remove(&d, "k\1\0\0\0\0\0\0\0", 9), 0);
	cr_assert_eq(epoch_map_prepare(&x.map, "t", 1, delta_changes(&d)), 0);
	epoch_map_apply(&x.map);
	cr_assert_lt(stateful_crash(&x), 0);
	delta_release(&d);
	stateful_release(&x);
}
