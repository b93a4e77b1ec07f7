/* Whatever json_scan() says of a record, shapes say, whether they have seen one like it or not. */
#include "stages/json/json_shapes.h"

#include "tests/unit/stages/each_json_kernels.h"
#include "tests/unit/stages/guarded.h"
#include "tests/unit/stages/json_corpus.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 8, PLACES = 64, RECORD_MAX = 3 * 4096 };

static struct json_plan plan;
static struct json_shapes shapes;

struct outcome {
	int r;
	struct value values[COLUMNS];
	struct json_mistake mistake;
};

/* Paths with dots. */
static void want(const char *const *paths)
{
	cr_assert(json_plan_init(&plan, 32) == 0);
	for (uint16_t i = 0; paths[i]; i++)
		cr_assert(json_plan_want_path(&plan, paths[i], strlen(paths[i]), i) == 0);
	cr_assert(json_shapes_init(&shapes, &plan) == 0);
}

#define WANT(...) want((const char *const[]){__VA_ARGS__, NULL})

static void finish(void)
{
	json_shapes_release(&shapes);
	json_plan_release(&plan);
}

TestSuite(json_shapes, .fini = finish);

static void start_anew(void)
{
	json_shapes_release(&shapes);
	cr_assert(json_shapes_init(&shapes, &plan) == 0);
}

static bool same_value(const struct value *a, const struct value *b)
{
	if (a->type != b->type || a->length != b->length || a->form != b->form)
		return false;
	return a->type == VALUE_BOOL ? a->b == b->b : a->bytes == b->bytes;
}

static void expect_places(const struct json_places *places, const struct json_members *members,
			  const char *text)
{
	bool all = true;
	for (uint32_t i = 0; i < members->count; i++)
		all = all && members->at[i].column != JSON_NO_COLUMN;
	cr_assert(places->known == all, "%s", text);
	cr_assert(!all || places->count == members->count, "%s: %u", text, places->count);
	for (uint32_t i = 0; all && i < places->count; i++) {
		const struct json_place *p = &places->at[i];
		const struct json_member *m = &members->at[i];
		cr_assert(p->from == m->from && p->to == m->to && p->column == m->column,
			  "%s: place %u: %u to %u", text, i, p->from, p->to);
	}
}

/* The same as json_scan(), of bytes with nothing readable behind them. 0 if it was accepted. */
static int compare(const void *bytes, size_t length)
{
	struct json_place room[PLACES];
	struct json_member member_room[PLACES];
	struct json_places places = {.at = room, .room = PLACES};
	struct json_members members = {.at = member_room, .room = PLACES};
	struct outcome got = {0}, wanted = {0};
	const uint8_t *at = guarded_at_end(bytes, length);
	wanted.r = json_scan(&plan, at, (uint32_t)length, wanted.values, &members, &wanted.mistake);
	memset(got.values, 0xff, sizeof got.values);
	got.r = json_shapes_scan(&shapes, at, (uint32_t)length, got.values, &places, &got.mistake);
	const char *text = bytes;
	cr_assert(got.r == wanted.r, "%d, not %d: %.*s", got.r, wanted.r, (int)length, text);
	for (unsigned i = 0; i < plan.columns; i++)
		cr_assert(same_value(&got.values[i], &wanted.values[i]), "column %u: %.*s", i,
			  (int)length, text);
	if (got.r == 0)
		expect_places(&places, &members, text);
	else
		cr_assert(got.mistake.why == wanted.mistake.why &&
			  got.mistake.at == wanted.mistake.at);
	return got.r;
}

static int compare_text(const char *text)
{
	return compare(text, strlen(text));
}

static void expect_accepted(const char *text)
{
	cr_assert(compare_text(text) == 0, "%s", text);
}

static void expect_refused(const char *text)
{
	cr_assert(compare_text(text) < 0, "%s", text);
}

/* ---- records that differ from what is known ---- */

Test(json_shapes, values_of_any_length_are_found_where_they_are)
{
	WANT("a", "b.c", "d");
	EACH_JSON_KERNELS(k)
	{
		start_anew();
		expect_accepted("{\"a\":1,\"b\":{\"c\":\"x\"},\"d\":[1,2]}");
		expect_accepted("{\"a\":12345678901,\"b\":{\"c\":\"\"},\"d\":[1,2]}");
		expect_accepted(
		    "{\"a\":7,\"b\":{\"c\":\"a longer {\\\"text\\\"}: [1,2]\"},\"d\":[100,2]}");
		expect_accepted("{\"a\":0,\"b\":{\"c\":\"\xc3\xa9\\\\\"},\"d\":[0,0]}");
	}
}

Test(json_shapes, what_only_digits_tell_is_told)
{
	static const char *const numbers[] = {
	    "1",
	    "0",
	    "-0",
	    "-1",
	    "01",
	    "00",
	    "-01",
	    "1.05",
	    "1.00",
	    "10.0",
	    "01.5",
	    "1e05",
	    "1e-00",
	    "0e0",
	    "9223372036854775807",
	    "9223372036854775808",
	    "-9223372036854775808",
	    "-9223372036854775809",
	    "18446744073709551615",
	    "18446744073709551616",
	    "1000000000000000000000000000000",
	};
	WANT("a", "b");
	EACH_JSON_KERNELS(k)
	{
		for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
			for (size_t j = 0; j < sizeof numbers / sizeof *numbers; j++)
				for (int pad = 0; pad < 2; pad++) {
					char text[256];
					start_anew();
					snprintf(text, sizeof text, "{\"a\":%s,\"b\":[%s]}",
						 numbers[i], numbers[i]);
					compare_text(text);
					/* around the end of a block, too */
					snprintf(text, sizeof text, "{%*s\"a\":%s,\"b\":[%s]}",
						 pad ? 50 : 0, "", numbers[j], numbers[i]);
					compare_text(text);
					snprintf(text, sizeof text, "{\"a\":%s,\"b\":[%s]}",
						 numbers[i], numbers[j]);
					compare_text(text);
				}
	}
}

Test(json_shapes, a_string_without_an_end_behind_a_record_that_is_known_is_refused)
{
	WANT("a");
	EACH_JSON_KERNELS(k)
	{
		start_anew();
		expect_accepted("{\"a\":1}");
		expect_refused("{\"a\":1}\"}");
		expect_refused("{\"a\":1\"}");
		expect_accepted("{\"a\":2}");
	}
}

Test(json_shapes, other_names_in_the_same_places_are_other_records)
{
	WANT("a", "b", "u.id", "a long name with more than eight bytes");
	EACH_JSON_KERNELS(k)
	{
		start_anew();
		expect_accepted("{\"a\":1,\"x\":2}");
		expect_accepted("{\"x\":1,\"a\":2}");
		expect_accepted("{\"b\":1,\"a\":2}");
		expect_accepted("{\"a\":1,\"a\":2}");
		expect_accepted("{\"a\":1,\"\\u0061\":2}");
		expect_accepted("{\"x\":1,\"y\":2}");
		expect_accepted("{\"u\":{\"id\":1}}");
		expect_accepted("{\"u\":{\"ix\":1}}");
		expect_accepted("{\"v\":{\"id\":1}}");
		expect_accepted("{\"a long name with more than eight bytes\":\"1\"}");
		expect_accepted("{\"a long name with other things in it  \":\"1\"}");
		expect_accepted("{\"a\":1,\"x\":2}");
	}
}

Test(json_shapes, names_that_nobody_asks_for_may_be_any)
{
	char text[128];
	WANT("a");
	start_anew();
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "{\"a\":{\"%d\":1},\"labels\":{\"%d\":[{\"a\":%d}]}}",
			 i, i, i);
		expect_accepted(text);
	}
}

Test(json_shapes, literals_whitespace_and_order_make_other_shapes)
{
	static const char *const texts[] = {
	    "{\"a\":true}", "{\"a\":false}",  "{\"a\":null}",
	    "{\"a\":tru}",  "{\"a\":nul}",    "{ \"a\":true}",
	    "{\"a\" :1}",   "{\"a\":\t1}",    "{\"a\":1 }",
	    " {\"a\":1}",   "{\"a\":1} ",     "{\"a\":{}}",
	    "{\"a\":[]}",   "{\"a\":[[]]}",   "{\"a\":\"\"}",
	    "{}",           "{\"a\":1,}",     "{\"a\":1,\"b\":2}",
	    "{\"a\":-1}",   "{\"a\":--1}",    "{\"a\":1.5}",
	    "{\"a\":1.}",   "{\"a\":.5}",     "{\"a\":1e5}",
	    "{\"a\":1E+5}", "{\"a\":1 1}",    "{\"a\"1}",
	    "{\"a\":}",     "{\"a\":\"x\"y}", "[1]",
	};
	WANT("a");
	EACH_JSON_KERNELS(k)
	{
		start_anew();
		for (int round = 0; round < 3; round++)
			for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
				compare_text(texts[i]);
	}
}

Test(json_shapes, escapes_are_noticed_in_the_values_that_have_them)
{
	WANT("a", "b");
	EACH_JSON_KERNELS(k)
	{
		start_anew();
		expect_accepted("{\"a\":\"x\",\"b\":\"y\"}");
		expect_accepted("{\"a\":\"\\n\",\"b\":\"y\"}");
		expect_accepted("{\"a\":\"x\",\"b\":\"\\\"\"}");
		expect_accepted("{\"a\":\"\\\\\",\"b\":\"\\\\\\\"\"}");
		expect_refused("{\"a\":\"\\q\",\"b\":\"y\"}");
		expect_refused("{\"a\":\"\\ud800\",\"b\":\"y\"}");
		expect_refused("{\"a\":\"\n\",\"b\":\"y\"}");
		expect_refused("{\"a\":\"\xff\",\"b\":\"y\"}");
	}
}

/* ---- all of the grammar ---- */

static size_t build(uint8_t *to, size_t pad, const struct json_case *value)
{
	uint8_t *at = to;
	at = mempcpy(at, "{\"p\":\"", 6);
	memset(at, 'x', pad);
	at += pad;
	at = mempcpy(at, "\",\"a\":", 6);
	at = mempcpy(at, value->text, value->length);
	at = mempcpy(at, ",\"b\":{\"c\":", 10);
	at = mempcpy(at, value->text, value->length);
	at = mempcpy(at, "}}", 2);
	return (size_t)(at - to);
}

static void try_corpus(const struct json_case *cases, size_t count)
{
	static uint8_t bytes[RECORD_MAX];
	EACH_JSON_KERNELS(k)
	{
		start_anew();
		for (size_t i = 0; i < count; i++)
			for (size_t pad = 0; pad < 70; pad++)
				compare(bytes, build(bytes, pad, &cases[i]));
	}
}

Test(json_shapes, whatever_the_grammar_says_of_a_value_holds)
{
	WANT("a", "b.c");
	try_corpus(right_values, RIGHT_VALUES);
	try_corpus(wrong_values, WRONG_VALUES);
}

Test(json_shapes, a_record_that_is_known_may_be_damaged_anywhere)
{
	static const char right[] =
	    "{\"a\": \"x\\\\y\", \"n\": [1, -2.5e3, {\"q\": null}], \"b\": {\"c\": 10, \"d\": "
	    "\"zz\"}, \"e\": true, \"f\": \"a much longer text than before\"}";
	static const char with[] = "\"\\{}[]:,0129.-+eE tn\n\xc3\xff";
	char text[sizeof right];
	WANT("a", "b.c", "f");
	EACH_JSON_KERNELS(k)
	{
		start_anew();
		for (size_t i = 0; i < sizeof right - 1; i++)
			for (size_t w = 0; w < sizeof with; w++) {
				memcpy(text, right, sizeof right);
				expect_accepted(text);
				text[i] = with[w];
				compare(text, sizeof right - 1);
			}
	}
}

/* ---- bounds ---- */

Test(json_shapes, records_of_any_length_are_read)
{
	static uint8_t bytes[RECORD_MAX];
	static const struct json_case value = RIGHT("\"v\"");
	WANT("a", "b.c");
	for (size_t pad = 4000; pad < 4200; pad++) {
		compare(bytes, build(bytes, pad, &value));
		compare(bytes, build(bytes, pad, &value));
	}
}

/* So many members, each with its own name. */
static char *many_members(unsigned count, unsigned from)
{
	char *text = malloc(count * 16 + 2), *at = text;
	*at++ = '{';
	for (unsigned i = 0; i < count; i++)
		at += sprintf(at, "\"m%u\":%u,", from + i, i);
	strcpy(at - 1, "}");
	return text;
}

Test(json_shapes, more_members_names_and_shapes_than_there_is_room_for_are_read_all_the_same)
{
	WANT("m1", "m70");
	for (int round = 0; round < 2; round++)
		for (unsigned count = 1; count < 300; count++) {
			char *text = many_members(count, 0);
			expect_accepted(text);
			expect_accepted(text);
			free(text);
		}
}

Test(json_shapes, when_no_record_is_like_another_they_are_walked)
{
	uint64_t seed = 1;
	WANT("a", "b");
	for (int i = 0; i < 20000; i++) {
		char text[256];
		unsigned bits = (unsigned)dice(&seed);
		int n = sprintf(text, "{\"a\":%u,\"b\":[", bits);
		for (unsigned bit = 0; bit < 24; bit++)
			n += sprintf(text + n, "%s,", bits >> bit & 1 ? "0" : "\"\"");
		strcpy(text + n - 1, "]}");
		compare_text(text);
	}
	for (int i = 0; i < 20000; i++)
		expect_accepted("{\"a\":1,\"b\":2}");
}

static size_t taken_so_far(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

Test(json_shapes, memory_that_they_say_is_what_they_take)
{
	size_t before = taken_so_far();
	WANT("status");
	cr_assert_leq(taken_so_far() - before, json_shapes_memory() + 0x10000);
	cr_assert_lt(json_shapes_memory(), 0x200000);
}
