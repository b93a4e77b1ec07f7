#include "tests/unit/stages/stateful_fixture.h"
#include "tests/unit/stages/transform_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

TestSuite(aggregate, .fini = transforms_forget);

#define PARSED                                                                                     \
	"transforms:\n"                                                                            \
	"  p: {type: parse_json, inputs: [in]}\n"                                                  \
	"  s: {type: set, inputs: [p], fields: {time: timestamp(ts)}}\n"

/* ts: so many seconds of one minute, then the other fields. */
#define AT(second, rest) "{\"ts\": \"2001-01-01T00:00:" second "Z\", " rest "}\n"

Test(aggregate, each_window_says_what_its_groups_come_to)
{
	transforms_pass(
	    PARSED
	    "  a: {type: aggregate, inputs: [s], by: [h], window: 10s, fields: {n: count, u: "
	    "count(u), s: sum(b), lo: min(b), hi: max(b), m: avg(b)}}\n"
	    "sinks: {o: {type: show, inputs: [a]}}\n",
	    AT("01", "\"h\": \"x\", \"b\": 1, \"u\": \"ann\"") AT("09", "\"h\": \"y\", \"b\": 2.5")
		AT("02", "\"h\": \"x\", \"b\": -4, \"u\": null") AT("11", "\"h\": \"x\""));
	transforms_expect(
	    "o",
	    "{\"window_start\":\"2001-01-01T00:00:00Z\",\"window_end\":\"2001-01-01T00:00:10Z\","
	    "\"h\":\"x\",\"n\":2,\"u\":1,\"s\":-3,\"lo\":-4,\"hi\":1,\"m\":-1.5} |\n"
	    "{\"window_start\":\"2001-01-01T00:00:00Z\",\"window_end\":\"2001-01-01T00:00:10Z\","
	    "\"h\":\"y\",\"n\":1,\"u\":0,\"s\":2.5,\"lo\":2.5,\"hi\":2.5,\"m\":2.5} |\n"
	    "{\"window_start\":\"2001-01-01T00:00:10Z\",\"window_end\":\"2001-01-01T00:00:20Z\","
	    "\"h\":\"x\",\"n\":1,\"u\":0,\"s\":0,\"lo\":null,\"hi\":null,\"m\":null} |\n");
	cr_assert_eq(counter_get(&transforms_counters("a")->records_in), 4);
	cr_assert_eq(counter_get(&transforms_counters("a")->records_out), 3);
}

Test(aggregate, below_it_its_fields_have_their_values)
{
	transforms_pass(
	    PARSED "  a: {type: aggregate, inputs: [s], by: [h, d], window: 10s, fields: {r.n: "
		   "count, r.s: sum(b)}}\n"
		   "  f: {type: filter, inputs: [a], where: 'r.n == 2 && h == \"a\\\"b\" && "
		   "window_end - window_start == duration(\"10s\") && time == window_start && "
		   "d.x == 1'}\n"
		   "sinks: {o: {type: show, inputs: [f], fields: [r.s, h]}}\n",
	    AT("01", "\"h\": \"a\\\"b\", \"b\": 7, \"d\": {\"x\": 1}")
		AT("02", "\"h\": \"a\\u0022b\", \"b\": 8, \"d\": {\"x\": 1}")
		    AT("03", "\"h\": \"a\", \"b\": 8"));
	transforms_expect(
	    "o", "{\"window_start\":\"2001-01-01T00:00:00Z\",\"window_end\":\"2001-01-01T00:"
		 "00:10Z\",\"h\":\"a\\\"b\",\"d\":{\"x\": 1},\"r\":{\"n\":2,\"s\":15}} | "
		 "r.s=15 h=escaped \"a\\\"b\"\n");
}

Test(aggregate, objects_within_what_it_gives_out_can_be_read_as_a_whole)
{
	transforms_pass(
	    "transforms:\n"
	    "  p: {type: parse_json, inputs: [in]}\n"
	    "  s: {type: set, inputs: [p], fields: {u: '{\"a\": 1}', time: 'timestamp(0)'}}\n"
	    "  a: {type: aggregate, inputs: [s], by: [u.a, u.b.c], window: 1s, fields: {u.n: "
	    "count, u.b.s: sum(x)}}\n"
	    "sinks: {o: {type: show, inputs: [a], fields: [u, u.b, u.b.s]}}\n",
	    "{\"x\": 1}\n{\"x\": 2}\n");
	transforms_expect(
	    "o", "{\"window_start\":\"1970-01-01T00:00:00Z\",\"window_end\":\"1970-01-01T00:"
		 "00:01Z\",\"u\":{\"a\":1,\"b\":{\"c\":null,\"s\":3},\"n\":2}} | "
		 "u={\"a\":1,\"b\":{\"c\":null,\"s\":3},\"n\":2} u.b={\"c\":null,\"s\":3} "
		 "u.b.s=3\n");
}

Test(aggregate, what_cannot_be_counted_is_in_none_of_the_functions)
{
	transforms_pass(
	    PARSED
	    "  a: {type: aggregate, inputs: [s], window: 1m, fields: {n: count, s: sum(b), t: "
	    "sum(c)}, on_error: dead_letter, dead_letter: bad}\n"
	    "sinks:\n"
	    "  o: {type: show, inputs: [a]}\n"
	    "  bad: {type: show, inputs: [], fields: [error]}\n",
	    AT("01", "\"b\": 1, \"c\": 2") AT("02", "\"b\": 10, \"c\": \"2\"")
		AT("03", "\"b\": [], \"c\": 20") AT("04", "\"b\": 1e999, \"c\": 20")
		    AT("05", "\"b\": 100, \"c\": 200"));
	transforms_expect("o",
			  "{\"window_start\":\"2001-01-01T00:00:00Z\",\"window_end\":\"2001-01-"
			  "01T00:01:00Z\",\"n\":2,\"s\":101,\"t\":202} |\n");
	transforms_expect(
	    "bad", "{\"ts\": \"2001-01-01T00:00:02Z\", \"b\": 10, \"c\": \"2\"} | error=\"not a "
		   "number\"\n"
		   "{\"ts\": \"2001-01-01T00:00:03Z\", \"b\": [], \"c\": 20} | error=\"not a "
		   "number\"\n"
		   "{\"ts\": \"2001-01-01T00:00:04Z\", \"b\": 1e999, \"c\": 20} | error=\"number "
		   "out of range\"\n");
}

Test(aggregate, what_is_wrong_with_a_function_is_told_where_it_is)
{
	transforms_refuse(
	    "transforms:\n"
	    "  a:\n"
	    "    type: aggregate\n"
	    "    inputs: [in]\n"
	    "    window: 1s\n"
	    "    by: [h]\n"
	    "    fields:\n"
	    "      a: median(x)\n"
	    "      b: sum\n"
	    "      c: sum()\n"
	    "      d: sum(a b)\n"
	    "      e: quantile(a)\n"
	    "      f: quantile(a, 1.5)\n"
	    "      g: quantile( a , 0.5 ) x\n"
	    "      h: count\n"
	    "      window_start: count\n"
	    "      i: quantile(a, 0.5 , 2)\n"
	    "      j: \"count(é)\"\n"
	    "      k: max(a, 1)\n"
	    "      l: quantile(a, .5)\n"
	    "sinks: {o: {type: show, inputs: [a]}}\n",
	    "t.yaml:8:10: `fields`: no such function; there are count, count(FIELD), sum(FIELD), "
	    "min(FIELD), max(FIELD), avg(FIELD) and quantile(FIELD, Q)\n"
	    "t.yaml:9:13: `fields`: `(` and the name of a field are missing\n"
	    "t.yaml:10:14: `fields`: the name of a field is missing\n"
	    "t.yaml:11:16: `fields`: `)` is missing\n"
	    "t.yaml:12:20: `fields`: which quantile? such as quantile(ms, 0.99)\n"
	    "t.yaml:13:22: `fields`: no number between 0 and 1\n"
	    "t.yaml:14:30: `fields`: nothing may follow the function\n"
	    "t.yaml:15:7: `h` stands twice; keep one\n"
	    "t.yaml:16:7: `window_start` stands twice; keep one\n"
	    "t.yaml:17:26: `fields`: `)` is missing\n"
	    "t.yaml:19:15: `fields`: `)` is missing\n"
	    "t.yaml:20:22: `fields`: no number between 0 and 1\n");
}

/* ---- with a state ---- */

static struct stateful x;

static struct value whole(int64_t i)
{
	return (struct value){.i = i, .type = VALUE_INT};
}

static void feed_one(int64_t time_ms, const char *k, int64_t n)
{
	const struct stateful_record r = {.time_ms = time_ms, .k = k, .n = whole(n)};
	cr_assert_eq(stateful_feed(&x, &r, 1, 1), 0);
}

#define BY_K(more)                                                                                 \
	"transforms: {t: {type: aggregate, inputs: [in], by: [k], window: 10s, fields: {n: "       \
	"count, "                                                                                  \
	"s: sum(n)}" more "}}\n"                                                                   \
	"sinks: {o: {type: show, inputs: [t]}}\n"

#define ROW(from, to, k, n, s)                                                                     \
	"{\"window_start\":\"1970-01-01T00:00:" from "Z\",\"window_end\":\"1970-01-01T00:00:" to   \
	"Z\","                                                                                     \
	"\"k\":" k ",\"n\":" #n ",\"s\":" #s "}\n"

Test(aggregate, a_window_is_given_out_when_the_latest_time_is_grace_behind_its_end)
{
	stateful_init(&x, BY_K(", grace: 5s"));
	feed_one(3000, "b", 1);
	feed_one(14999, "a", 2);
	feed_one(2000, "a", 4);
	cr_assert_str_eq(stateful_text(&x, 0), "");
	feed_one(15000, "a", 8);
	cr_assert_str_eq(stateful_text(&x, 0),
			 ROW("00", "10", "\"a\"", 1, 4) ROW("00", "10", "\"b\"", 1, 1));
	feed_one(9999, "a", 16);
	cr_assert_eq(counter_get(&x.counters.lost[LOSS_LATE]), 1);
	stateful_due(&x, true);
	cr_assert_str_eq(stateful_text(&x, 0),
			 ROW("00", "10", "\"a\"", 1, 4) ROW("00", "10", "\"b\"", 1, 1)
			     ROW("10", "20", "\"a\"", 2, 10));
	stateful_release(&x);
}

Test(aggregate, late_records_may_go_the_way_of_those_that_can_not_be_counted)
{
	stateful_init(&x,
		      "transforms: {t: {type: aggregate, inputs: [in], window: 10s, fields: {n: "
		      "count}, late: on_error, on_error: dead_letter, dead_letter: bad}}\n"
		      "sinks: {o: {type: show, inputs: [t]}, bad: {type: show, inputs: []}}\n");
	feed_one(10000, "a", 1);
	feed_one(9999, "late", 1);
	cr_assert_eq(counter_get(&x.counters.lost[LOSS_LATE]), 0);
	cr_assert_eq(counter_get(&x.counters.refused), 1);
	cr_assert_str_eq(stateful_text(&x, 1), "late\n");
	stateful_release(&x);
}

Test(aggregate, a_time_ahead_of_the_clock_closes_nothing)
{
	stateful_init(&x, BY_K(""));
	x.world.wall_ns = INT64_C(12) * 1000000000;
	feed_one(5000, "a", 1);
	feed_one(25000, "a", 2); /* it is 12 seconds past */
	feed_one(10000, "a", 4);
	cr_assert_str_eq(stateful_text(&x, 0), ROW("00", "10", "\"a\"", 1, 1));
	stateful_due(&x, true);
	cr_assert_str_eq(stateful_text(&x, 0),
			 ROW("00", "10", "\"a\"", 1, 1) ROW("10", "20", "\"a\"", 1, 4)
			     ROW("20", "30", "\"a\"", 1, 2));
	stateful_release(&x);
}

Test(aggregate, times_before_1970_and_those_of_no_window_are_seen_to)
{
	stateful_init(&x, BY_K(""));
	feed_one(-1, "a", 1);
	feed_one(INT64_MAX / 1000000, "a", 1);
	feed_one(INT64_MIN / 1000000, "a", 1);
	cr_assert_eq(counter_get(&x.counters.refused), 2);
	feed_one(0, "a", 1);
	cr_assert(strstr(stateful_text(&x, 0), "{\"window_start\":\"1969-12-31T23:59:50Z\","
					       "\"window_end\":\"1970-01-01T00:00:00Z\","));
	stateful_release(&x);
}

Test(aggregate, without_a_time_of_its_own_a_record_counts_when_it_was_read)
{
	stateful_init(&x, BY_K(""));
	x.world.wall_ns = INT64_C(7) * 1000000000;
	feed_one(NO_TIME, "a", 1);
	x.world.wall_ns = INT64_C(10) * 1000000000;
	feed_one(NO_TIME, "a", 2);
	cr_assert_str_eq(stateful_text(&x, 0), ROW("00", "10", "\"a\"", 1, 1));
	stateful_release(&x);
}

Test(aggregate, when_nothing_comes_all_is_given_out_and_what_comes_then_counts_too)
{
	stateful_init(&x, BY_K(", grace: 2s"));
	feed_one(3000, "a", 1);
	x.world.now_ns += UINT64_C(60) * 1000000000; /* held up, not quiet */
	stateful_due(&x, false);
	cr_assert_str_eq(stateful_text(&x, 0), "");
	cr_assert_eq(x.world.wake_ns, x.world.now_ns + UINT64_C(12) * 1000000000);
	x.world.now_ns = x.world.wake_ns - 1;
	stateful_due(&x, false);
	cr_assert_str_eq(stateful_text(&x, 0), "");
	x.world.now_ns++;
	stateful_due(&x, false);
	cr_assert_str_eq(stateful_text(&x, 0), ROW("00", "10", "\"a\"", 1, 1));
	cr_assert_eq(counter_get(&x.counters.changes), 1, "an epoch is due");
	feed_one(4000, "a", 2);
	stateful_due(&x, true);
	cr_assert_str_eq(stateful_text(&x, 0),
			 ROW("00", "10", "\"a\"", 1, 1) ROW("00", "10", "\"a\"", 1, 2));
	stateful_release(&x);
}

Test(aggregate, a_group_that_is_given_out_is_in_no_epoch_any_more)
{
	stateful_init(&x, BY_K(""));
	feed_one(3000, "a", 1);
	feed_one(3000, "b", 1);
	stateful_cut(&x);
	cr_assert_eq(epoch_map_stage(&x.map, "t")->count, 3);
	feed_one(13000, "a", 1);
	stateful_cut(&x);
	cr_assert_eq(epoch_map_stage(&x.map, "t")->count, 2);
	stateful_due(&x, true);
	stateful_cut(&x);
	cr_assert_eq(epoch_map_stage(&x.map, "t")->count, 1);
	stateful_cut(&x);
	cr_assert_eq(x.snapshot_bytes, 0, "nothing has changed");
	/* all was given out at the end: what comes next is not late */
	cr_assert_eq(stateful_crash(&x), 0);
	feed_one(1000, "a", 7);
	cr_assert_eq(counter_get(&x.counters.lost[LOSS_LATE]), 0);
	stateful_release(&x);
}

Test(aggregate, a_window_given_out_may_be_open_again_in_the_same_epoch)
{
	stateful_init(&x, BY_K(""));
	feed_one(3000, "a", 1);
	stateful_cut(&x);
	stateful_due(&x, true);
	feed_one(3000, "a", 2);
	stateful_cut(&x);
	cr_assert_eq(stateful_crash(&x), 0);
	stateful_due(&x, true);
	cr_assert_str_eq(stateful_text(&x, 0),
			 ROW("00", "10", "\"a\"", 1, 1) ROW("00", "10", "\"a\"", 1, 2));
	stateful_release(&x);
}

Test(aggregate, no_more_groups_than_may_be_are_open_and_closed_ones_make_room)
{
	stateful_init(&x, BY_K(", max_groups: 2"));
	const struct stateful_record r[] = {
	    {.time_ms = 1, .k = "a"},     {.time_ms = 2, .k = "b"},
	    {.time_ms = 3, .k = "c"},     {.time_ms = 4, .k = "b"},
	    {.time_ms = 10000, .k = "c"}, {.time_ms = 20000, .k = "d"},
	    {.time_ms = 20001, .k = "e"}, {.time_ms = 20002, .k = "f"},
	    {.time_ms = 20003, .k = "e"},
	};
	for (size_t per_batch = 1; per_batch <= 9; per_batch++) {
		cr_assert_eq(stateful_feed(&x, r, 9, per_batch), 0);
		stateful_due(&x, true);
		/* `c`, the first time, and `f` */
		cr_assert_eq(counter_get(&x.counters.refused), 2 * per_batch);
		stateful_cut(&x);
	}
	stateful_release(&x);
}

Test(aggregate, a_key_that_is_too_long_is_refused)
{
	char key[600];
	stateful_init(&x, BY_K(""));
	memset(key, 'x', sizeof key);
	for (size_t length = 500; length < sizeof key; length++) {
		key[length] = '\0';
		feed_one(1, key, 1);
		key[length] = 'x';
		cr_assert_eq(counter_get(&x.counters.refused), length > 509 ? length - 509 : 0,
			     "%zu", length);
	}
	stateful_release(&x);
}

#define ALL                                                                                        \
	"transforms: {t: {type: aggregate, inputs: [in], by: [k], window: 10s, grace: 2s, "        \
	"max_groups: 60, fields: {n: count, s: sum(n), lo: min(n), hi: max(n), m: avg(n), p50: "   \
	"'quantile(n, 0.5)', p99: 'quantile(n, 0.99)'}}}\n"                                        \
	"sinks: {o: {type: show, inputs: [t]}}\n"

enum { RECORDS = 2000 };
static char keys[RECORDS][8];
static struct stateful_record records[RECORDS];

static struct value some_number(void)
{
	switch (rand() % 4) {
	case 0:
		return (struct value){.type = VALUE_MISSING};
	case 1:
		return whole(rand() % 2000 - 1000);
	case 2:
		return (struct value){.u = UINT64_MAX - (unsigned)rand(), .type = VALUE_UINT};
	default:
		return (struct value){.d = rand() / 1e5 - 1e3, .type = VALUE_DOUBLE};
	}
}

/* Some are late, some of a window that is none of this time, some groups too many. */
static void make_records(unsigned seed)
{
	srand(seed);
	for (int i = 0; i < RECORDS; i++) {
		snprintf(keys[i], sizeof keys[i], "%d", rand() % 35);
		records[i] =
		    (struct stateful_record){.time_ms = i * 37 - (rand() % 5 ? 0 : rand() % 6000),
					     .k = keys[i],
					     .n = some_number()};
	}
}

static char *uninterrupted(uint64_t *ret_late, uint64_t *ret_refused)
{
	stateful_init(&x, ALL);
	cr_assert_eq(stateful_feed(&x, records, RECORDS, RECORDS), 0);
	stateful_due(&x, true);
	char *text = strdup(stateful_text(&x, 0));
	*ret_late = counter_get(&x.counters.lost[LOSS_LATE]);
	*ret_refused = counter_get(&x.counters.refused);
	stateful_release(&x);
	return text;
}

/* Those that could not be counted stand where they came; the order of all others is that of windows and keys. */
static char *windows_of(const char *text)
{
	char *result = calloc(1, strlen(text) + 2), *copy = strdup(text), *save;
	size_t used = 0;
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (*l == '{')
			used += (size_t)sprintf(result + used, "%s\n", l);
	free(copy);
	return result;
}

static void expect_windows(const char *expected, const char *got, unsigned seed)
{
	char *a = windows_of(expected), *b = windows_of(got);
	cr_assert_gt(strlen(a), 1000);
	cr_assert_str_eq(b, a, "seed %u", seed);
	free(a);
	free(b);
}

Test(aggregate, after_any_crash_every_window_says_the_same)
{
	for (unsigned seed = 1; seed <= 20; seed++) {
		uint64_t late, refused;
		make_records(seed);
		char *expected = uninterrupted(&late, &refused);
		cr_assert_gt(late, 0);
		cr_assert_gt(refused, 0);
		size_t at = 0, committed = 0;
		stateful_init(&x, ALL);
		while (at < RECORDS) {
			size_t some = 1 + (size_t)rand() % 150;
			some = some < RECORDS - at ? some : RECORDS - at;
			cr_assert_eq(stateful_feed(&x, records + at, some, 1 + (size_t)rand() % 60),
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
		stateful_due(&x, true);
		expect_windows(expected, stateful_text(&x, 0), seed);
		stateful_release(&x);
		free(expected);
	}
}

Test(aggregate, begun_again_after_each_single_record_nothing_changes)
{
	uint64_t late, refused;
	make_records(77);
	char *expected = uninterrupted(&late, &refused);
	stateful_init(&x, ALL);
	for (size_t i = 0; i < RECORDS; i++) {
		cr_assert_eq(stateful_feed(&x, records + i, 1, 1), 0);
		stateful_cut(&x);
		cr_assert_eq(stateful_crash(&x), 0);
	}
	stateful_due(&x, true);
	expect_windows(expected, stateful_text(&x, 0), 77);
	cr_assert_eq(counter_get(&x.counters.lost[LOSS_LATE]), late);
	cr_assert_eq(counter_get(&x.counters.refused), refused);
	stateful_release(&x);
	free(expected);
}

Test(aggregate, more_groups_than_a_batch_holds_come_out_in_several_in_order)
{
	enum { MANY = 10000 };
	static char names[MANY][8];
	static struct stateful_record r[MANY];
	stateful_init(&x, BY_K(""));
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof names[i], "%05d", (i * 7919) % MANY);
		r[i] = (struct stateful_record){.time_ms = 1, .k = names[i], .n = whole(i)};
	}
	cr_assert_eq(stateful_feed(&x, r, MANY, 4000), 0);
	feed_one(10001, "z", 1);
	const char *at = stateful_text(&x, 0);
	for (int i = 0; i < MANY; i++) {
		int key = -1;
		cr_assert_eq(sscanf(at, "{%*[^,],%*[^,],\"k\":\"%5d\"", &key), 1);
		cr_assert_eq(key, i);
		at = (const char *)rawmemchr(at, '\n') + 1;
	}
	cr_assert_eq(*at, '\0');
	stateful_release(&x);
}

Test(aggregate, groups_that_were_counted_for_other_functions_are_refused)
{
	stateful_init(&x, BY_K(""));
	feed_one(1, "a", 1);
	stateful_cut(&x);
	uint64_t *window = stateful_number(&x, NULL, "window");
	*window *= 2;
	cr_assert_eq(stateful_crash(&x), -EINVAL);
	cr_assert(strstr(x.world.said, "aggregate not prepared"), "%s", x.world.said);
	*window /= 2;
	cr_assert_eq(stateful_crash(&x), 0);
	stateful_due(&x, true);
	cr_assert_str_eq(stateful_text(&x, 0), ROW("00", "10", "\"a\"", 1, 1));
	stateful_cut(&x);
	*window *= 2;
	cr_assert_eq(stateful_crash(&x), 0, "none is open");
	stateful_release(&x);
}

Test(aggregate, more_groups_than_there_may_be_now_are_refused)
{
	stateful_init(&x, BY_K(""));
	feed_one(1, "a", 1);
	feed_one(1, "b", 1);
	stateful_cut(&x);
	*stateful_number(&x, NULL, "max_groups") = 1;
	cr_assert_eq(stateful_crash(&x), -ENOSPC);
	stateful_release(&x);
}

/* What it returns when this is remembered, too. */
static int begin_with(const char *key, size_t key_length, const char *value, size_t value_length)
{
	struct delta d = {.count = 0};
	cr_assert_eq(delta_put(&d, key, key_length, value, value_length), 0);
	cr_assert_eq(epoch_map_prepare(&x.map, "t", 1, delta_changes(&d)), 0);
	epoch_map_apply(&x.map);
	int r = stateful_crash(&x);
	delta_clear(&d);
	cr_assert_eq(delta_remove(&d, key, key_length), 0);
	cr_assert_eq(epoch_map_prepare(&x.map, "t", 1, delta_changes(&d)), 0);
	epoch_map_apply(&x.map);
	delta_release(&d);
	return r;
}

Test(aggregate, bytes_that_are_no_group_of_its_own_are_refused)
{
	/* window 0, a string of one byte; one record, and none in its tally */
	static const char good[] = "g\0\0\0\0\0\0\0\0\7\1x", none[] = "\1\0";
	stateful_init(&x, BY_K(""));
	feed_one(1, "a", 1);
	stateful_cut(&x);
	cr_assert_eq(begin_with(good, 12, none, 2), 0);
	cr_assert_eq(begin_with(good, 12, none, 1), -EBADMSG);
	cr_assert_eq(begin_with(good, 12, "\1\0\0", 3), -EBADMSG);
	cr_assert_eq(begin_with(good, 12, "\1\1", 2), -EBADMSG);
	cr_assert_eq(begin_with(good, 11, none, 2), -EBADMSG, "a part is cut short");
	cr_assert_eq(begin_with(good, 9, none, 2), -EBADMSG, "there is none");
	cr_assert_eq(begin_with(good, 5, none, 2), -EBADMSG, "no window either");
	cr_assert_eq(begin_with("g\0\0\0\0\0\0\0\0\7\1xx", 13, none, 2), -EBADMSG);
	cr_assert_eq(begin_with("g\0\0\0\0\0\0\0\0\4\1x", 12, none, 2), -EBADMSG, "a short number");
	cr_assert_eq(begin_with("g\0\0\0\0\0\0\0\0\77\1x", 12, none, 2), -EBADMSG, "of no type");
	cr_assert_eq(begin_with("g\1\0\0\0\0\0\0\0\7\1x", 12, none, 2), -EBADMSG,
		     "between windows");
	cr_assert_eq(begin_with("h\0\0\0\0\0\0\0\0\7\1x", 12, none, 2), -EBADMSG);
	cr_assert_eq(stateful_crash(&x), 0);
	stateful_release(&x);
}
