#include "stages/json/json_scan.h"

#include "tests/unit/stages/each_json_kernels.h"
#include "tests/unit/stages/guarded.h"
#include "tests/unit/stages/json_corpus.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

enum { ROOM = 3 * 4096, COLUMNS_MAX = 16, MEMBERS_MAX = 64 };

static struct json_plan plan;
static struct value values[COLUMNS_MAX];
static struct json_mistake mistake;

/* Paths with dots, as a topology has them. Column by column. */
static void want(const char *const *paths)
{
	cr_assert(json_plan_init(&plan, 32) == 0);
	for (uint16_t i = 0; paths[i]; i++)
		cr_assert(json_plan_want_path(&plan, paths[i], strlen(paths[i]), i) == 0);
}

#define WANT(...) want((const char *const[]){__VA_ARGS__, NULL})

static int scan(const char *text)
{
	return json_scan(&plan, (const uint8_t *)text, (uint32_t)strlen(text), values, NULL,
			 &mistake);
}

static void release(void)
{
	json_plan_release(&plan);
}

TestSuite(json_scan, .fini = release);

static void expect(const struct value *v, enum value_type type, enum value_form form,
		   const char *text)
{
	cr_assert(v->type == type && v->form == form, "%s: type %d, form %d", text, v->type,
		  v->form);
	cr_assert(v->length == strlen(text) && memcmp(v->bytes, text, v->length) == 0,
		  "'%.*s' is not '%s'", (int)v->length, (const char *)v->bytes, text);
}

/* --- the corpus --- */

struct around {
	const char *before, *after;
};

/* Where a value may stand. */
static const struct around places[] = {
    {"{\"a\":", "}"},         {"{\"a\": ", " }"},
    {"{\"a\":[", "]}"},       {"{\"a\":[0,", ",0]}"},
    {"{\"a\":{\"b\":", "}}"}, {"{\"b\":\"\\\"\",\"a\":", ",\"c\":\"\\\\\"}"},
};

enum { PLACES = sizeof places / sizeof *places };

/* pad bytes of whitespace, or of a string with them, come first; what they are is no part of the matter. */
static size_t build(uint8_t *to, size_t pad, bool string, const struct around *around,
		    const struct json_case *c)
{
	uint8_t *at = to;
	if (!string) {
		memset(at, ' ', pad);
		at += pad;
		at = mempcpy(at, around->before, strlen(around->before));
	} else {
		at = mempcpy(at, "{\"p\":\"", 6);
		memset(at, 'x', pad);
		at += pad;
		at = mempcpy(at, "\",", 2);
		at = mempcpy(at, around->before + 1, strlen(around->before) - 1);
	}
	at = mempcpy(at, c->text, c->length);
	at = mempcpy(at, around->after, strlen(around->after));
	return (size_t)(at - to);
}

static int scan_guarded(const uint8_t *bytes, size_t length)
{
	mistake = (struct json_mistake){0};
	const uint8_t *at = guarded_at_end(bytes, length);
	int r = json_scan(&plan, at, (uint32_t)length, values, NULL, &mistake);
	cr_assert(r == 0 || (r == -EBADMSG && mistake.why && mistake.at <= length));
	return r;
}

static void try_case(const uint8_t *bytes, size_t length, const struct json_case *c, bool right)
{
	int r = scan_guarded(bytes, length);
	cr_assert((r == 0) == right, "%s: %d (%s at %u): %.*s", json_kernels->name, r, mistake.why,
		  mistake.at, (int)length, (const char *)bytes);
	if (!right && c->why)
		cr_assert_str_eq(mistake.why, c->why, "%s: '%s' at %u, not '%s': %.*s",
				 json_kernels->name, mistake.why, mistake.at, c->why, (int)length,
				 (const char *)bytes);
}

static void try_value(const struct json_case *c, bool right, size_t pad)
{
	static uint8_t bytes[ROOM];
	for (size_t i = 0; i < PLACES; i++) {
		if (i > 0 &&
		    (pad + i) % 3) /* the first is everywhere, the others at every third place */
			continue;
		/* a mistake is named by what is looked for there */
		struct json_case here = {c->text, c->length, i == 0 ? c->why : NULL};
		for (int string = 0; string < 2; string++) {
			size_t n = build(bytes, pad, string, &places[i], c);
			try_case(bytes, n, &here, right);
		}
	}
}

/* Around each boundary of blocks and of windows. */
static const size_t pads_from[] = {0, 4096 - 72}, pads_to[] = {68, 4096 + 2};

static void try_values(const struct json_case *cases, size_t count, bool right)
{
	WANT("a", "a.b");
	EACH_JSON_KERNELS(k)
	{
		for (size_t i = 0; i < count; i++) {
			for (int range = 0; range < 2; range++)
				for (size_t pad = pads_from[range]; pad < pads_to[range]; pad++)
					try_value(&cases[i], right, pad);
		}
	}
}

Test(json_scan, what_the_grammar_allows_is_accepted_wherever_it_stands)
{
	try_values(right_values, RIGHT_VALUES, true);
}

Test(json_scan, what_the_grammar_does_not_allow_is_refused_wherever_it_stands)
{
	try_values(wrong_values, WRONG_VALUES, false);
}

Test(json_scan, what_is_no_record_is_refused_and_says_why)
{
	static uint8_t bytes[ROOM];
	WANT("a");
	EACH_JSON_KERNELS(k)
	{
		for (size_t i = 0; i < WRONG_RECORDS; i++) {
			const struct json_case *c = &wrong_records[i];
			for (size_t pad = 0; pad < 130; pad++) {
				memset(bytes, ' ', pad);
				memcpy(bytes + pad, c->text, c->length);
				try_case(bytes, pad + c->length, c, false);
			}
		}
	}
}

Test(json_scan, every_record_that_is_cut_off_is_refused)
{
	static const char text[] =
	    "{\"a\":\"\\u00e9\\ud83d\\ude00\xe2\x82\xac\",\"b\":[1.5e10,{\"c\":null}],\"d\":true}";
	WANT("a", "b", "d");
	EACH_JSON_KERNELS(k)
	{
		cr_assert(scan_guarded((const uint8_t *)text, sizeof text - 1) == 0);
		for (size_t length = 0; length < sizeof text - 1; length++)
			cr_assert(scan_guarded((const uint8_t *)text, length) == -EBADMSG,
				  "%zu bytes", length);
	}
}

Test(json_scan, a_mistake_says_where_it_is)
{
	static const struct {
		const char *text, *why;
		uint32_t at;
	} cases[] = {
	    {"  1", "not an object", 2},
	    {"{\"a\":1", "does not end with a brace", 6},
	    {"{\"a\":01}", "number", 5},
	    {"{\"a\":\"x\\q\"}", "escape", 7},
	    {"{\"a\":\"x\\ud800\"}", "lone surrogate", 7},
	    {"{\"a\":\"x\ty\"}", "control character in a string", 7},
	    {"{\"a\":\"xy\xff\"}", "UTF-8", 8},
	    {"{\"a\":1 2}", "neither comma nor end", 7},
	    {"{\"a\" 2}", "no colon", 5},
	    {"{\"a\":2,}", "no name", 7},
	    {"{\"a\":[2,]}", "no value", 8},
	    {"{\"a\":1} {}", "more than one value", 8},
	};
	WANT("a");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_assert(scan(cases[i].text) == -EBADMSG);
		cr_assert_str_eq(mistake.why, cases[i].why);
		cr_assert(mistake.at == cases[i].at, "%s: %u", cases[i].text, mistake.at);
	}
}

/* --- depth and length --- */

static char *nested(unsigned depth, char open, char close)
{
	char *text = malloc(2 * (size_t)depth + 16), *at = text;
	at = mempcpy(at, "{\"a\":", 5);
	memset(at, open, depth - 1);
	memset(at + depth - 1, close, depth - 1);
	memcpy(at + 2 * (depth - 1), "}", 2);
	return text;
}

Test(json_scan, what_is_nested_deeper_than_the_plan_allows_is_refused)
{
	WANT("a");
	char *right = nested(32, '[', ']'), *wrong = nested(33, '[', ']');
	cr_assert(scan(right) == 0 && values[0].type == VALUE_LIST && values[0].length == 62);
	cr_assert(scan(wrong) == -EBADMSG && values[0].type == VALUE_MISSING);
	cr_assert_str_eq(mistake.why, "depth");
	cr_assert(mistake.at == 5 + 31);
	free(right);
	free(wrong);
}

Test(json_scan, a_million_brackets_are_refused_and_a_thousand_can_be_allowed)
{
	cr_assert(json_plan_init(&plan, JSON_DEPTH_MAX) == 0);
	char *hostile = nested(1000000, '[', ']'), *most = nested(JSON_DEPTH_MAX, '[', ']');
	cr_assert(scan(hostile) == -EBADMSG);
	cr_assert_str_eq(mistake.why, "depth");
	cr_assert(scan(most) == 0);
	free(hostile);
	free(most);
}

Test(json_scan, a_value_of_many_megabytes_is_one_span)
{
	const size_t length = 20000000;
	uint8_t *text = malloc(length);
	memset(text, 'x', length);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + length / 2, "\xe2\x82\xac", 3);
	memcpy(text + length - 12, "\",\"b\":\"\\n\"}", 11);
	WANT("a", "b");
	cr_assert(json_scan(&plan, text, (uint32_t)length - 1, values, NULL, &mistake) == 0);
	cr_assert(values[0].length == length - 18 && values[0].form == VALUE_PLAIN);
	cr_assert(values[1].length == 2 && values[1].form == VALUE_ESCAPED);
	memcpy(text + 4000, "\\t", 2); /* in the first of its windows, which is gone when it ends */
	cr_assert(json_scan(&plan, text, (uint32_t)length - 1, values, NULL, &mistake) == 0);
	cr_assert(values[0].form == VALUE_ESCAPED);
	text[length / 2 + 3] = 0x80;
	cr_assert(json_scan(&plan, text, (uint32_t)length - 1, values, NULL, &mistake) == -EBADMSG);
	cr_assert(mistake.at == length / 2 + 3);
	free(text);
}

/* --- fields --- */

Test(json_scan, each_type_is_found_as_it_is_written)
{
	WANT("i", "u", "d", "s", "e", "t", "f", "n", "l", "m", "big", "gone");
	cr_assert(
	    scan("{\"i\":-12,\"u\":18446744073709551615,\"d\":1.50,\"s\":\"x y\",\"e\":\"\\n\","
		 "\"t\":true,\"f\":false,\"n\":null,\"l\":[1, {\"s\":2}],\"m\":{\"i\": 1},"
		 "\"big\":18446744073709551616}") == 0);
	expect(&values[0], VALUE_INT, VALUE_DIGITS, "-12");
	expect(&values[1], VALUE_UINT, VALUE_DIGITS, "18446744073709551615");
	expect(&values[2], VALUE_DOUBLE, VALUE_DIGITS, "1.50");
	expect(&values[3], VALUE_STRING, VALUE_PLAIN, "x y");
	expect(&values[4], VALUE_STRING, VALUE_ESCAPED, "\\n");
	cr_assert(values[5].type == VALUE_BOOL && values[5].b);
	cr_assert(values[6].type == VALUE_BOOL && !values[6].b);
	cr_assert(values[7].type == VALUE_NULL);
	expect(&values[8], VALUE_LIST, VALUE_PLAIN, "[1, {\"s\":2}]");
	expect(&values[9], VALUE_MAP, VALUE_PLAIN, "{\"i\": 1}");
	expect(&values[10], VALUE_DOUBLE, VALUE_DIGITS, "18446744073709551616");
	cr_assert(values[11].type == VALUE_MISSING);
}

Test(json_scan, a_path_is_followed_into_objects_and_not_into_arrays)
{
	WANT("user", "user.id", "user.name.first", "id");
	cr_assert(
	    scan("{\"user\":{\"id\":1,\"name\":{\"first\":\"x\",\"id\":2}},\"x\":{\"id\":3}}") ==
	    0);
	expect(&values[0], VALUE_MAP, VALUE_PLAIN,
	       "{\"id\":1,\"name\":{\"first\":\"x\",\"id\":2}}");
	expect(&values[1], VALUE_INT, VALUE_DIGITS, "1");
	expect(&values[2], VALUE_STRING, VALUE_PLAIN, "x");
	cr_assert(values[3].type == VALUE_MISSING);
	cr_assert(scan("{\"user\":[{\"id\":1}],\"user.id\":2}") == 0);
	cr_assert(values[1].type == VALUE_MISSING);
}

Test(json_scan, of_a_name_that_comes_twice_the_last_counts_with_all_that_is_in_it)
{
	WANT("a", "u.id", "u.x.y");
	cr_assert(scan("{\"a\":1,\"a\":2,\"u\":{\"id\":1,\"x\":{\"y\":1}},\"u\":{\"id\":2}}") == 0);
	expect(&values[0], VALUE_INT, VALUE_DIGITS, "2");
	expect(&values[1], VALUE_INT, VALUE_DIGITS, "2");
	cr_assert(values[2].type == VALUE_MISSING);
	cr_assert(scan("{\"u\":{\"id\":1},\"u\":5}") == 0 && values[1].type == VALUE_MISSING);
	cr_assert(scan("{\"u\":{\"x\":{\"y\":1},\"x\":[]}}") == 0 &&
		  values[2].type == VALUE_MISSING);
	cr_assert(scan("{\"u\":{\"id\":1},\"\\u0075\":{}}") == 0 &&
		  values[1].type == VALUE_MISSING);
}

Test(json_scan, a_name_is_compared_without_its_escapes)
{
	WANT("status", "a/b", "\xf0\x9f\x98\x80", "longer than eight bytes",
	     "longer than nine bytes!", "");
	cr_assert(
	    scan("{\"st\\u0061tus\":1,\"a\\/b\":2,\"\\ud83d\\ude00\":3,\"longer than \\u0065ight "
		 "bytes\":4,"
		 "\"longer than nine bytes!\":5,\"\":6,\"statu\\\\\":7,\"status\\u0000\":8}") == 0);
	for (int i = 0; i < 6; i++)
		cr_assert(values[i].type == VALUE_INT && values[i].bytes[0] == '1' + i, "%d", i);
}

Test(json_scan, names_that_only_resemble_a_wanted_one_are_not_it)
{
	WANT("abcdefgh", "abcdefghi", "abc");
	cr_assert(scan("{\"abcdefgx\":1,\"abcdefghx\":2,\"abcdefghij\":3,\"ab\":4,\"abcd\":5,"
		       "\"abc\\u0000\":6,"
		       "\"Abc\":7}") == 0);
	for (int i = 0; i < 3; i++)
		cr_assert(values[i].type == VALUE_MISSING);
	/* longer than any name that can be wanted, with escapes: it is not kept */
	char text[8192] = "{\"abc\":1,\"\\n";
	memset(text + strlen(text), 'x', 6000);
	strncat(text, "\":2}", 5);
	cr_assert(scan(text) == 0);
	expect(&values[2], VALUE_INT, VALUE_DIGITS, "1");
}

Test(json_scan, a_record_that_is_refused_has_no_fields)
{
	WANT("a");
	cr_assert(scan("{\"a\":1,\"b\":}") == -EBADMSG);
	cr_assert(values[0].type == VALUE_MISSING);
}

/* --- members --- */

static struct json_member member_room[MEMBERS_MAX];

static struct json_members members_of(const char *text, bool all, uint32_t room)
{
	struct json_members m = {.at = member_room, .room = room, .all = all};
	cr_assert(json_scan(&plan, (const uint8_t *)text, (uint32_t)strlen(text), values, &m,
			    &mistake) == 0);
	return m;
}

static void expect_member(const struct json_member *m, const char *record, const char *name,
			  const char *text, uint16_t column)
{
	expect(&m->name, VALUE_STRING, strchr(name, '\\') ? VALUE_ESCAPED : VALUE_PLAIN, name);
	cr_assert(m->column == column);
	cr_assert(m->to - m->from == strlen(text) &&
		      memcmp(record + m->from, text, strlen(text)) == 0,
		  "'%.*s'", (int)(m->to - m->from), record + m->from);
}

Test(json_scan, members_are_cut_out_from_the_quote_of_their_name_to_the_end_of_their_value)
{
	static const char text[] = " { \"a\" : 1 ,\"b\":{\"a\":2},\"\\u0063\":[3] ,\"a\":\"x\"} ";
	WANT("a", "c", "b.a");
	struct json_members m = members_of(text, true, MEMBERS_MAX);
	cr_assert(m.count == 4 && m.open == 1 && m.close == strlen(text) - 2);
	expect_member(&m.at[0], text, "a", "\"a\" : 1", 0);
	expect_member(&m.at[1], text, "b", "\"b\":{\"a\":2}", JSON_NO_COLUMN);
	expect_member(&m.at[2], text, "\\u0063", "\"\\u0063\":[3]", 1);
	expect_member(&m.at[3], text, "a", "\"a\":\"x\"", 0);
	expect(&m.at[1].value, VALUE_MAP, VALUE_PLAIN, "{\"a\":2}");
	m = members_of(text, false,
		       4); /* those that are wanted, or have something in them that is */
	cr_assert(m.count == 4 && !m.is_full);
	release();
	WANT("a");
	m = members_of(text, false, 2);
	cr_assert(m.count == 2 && !m.is_full);
	expect_member(&m.at[1], text, "a", "\"a\":\"x\"", 0);
}

Test(json_scan, a_name_without_escapes_is_plain_whatever_its_value_has)
{
	static char text[3 * 4096];
	WANT("long");
	memset(text, 'x', sizeof text - 1);
	memcpy(text, "{\"long\":[\"\\n", 12);
	memcpy(text + sizeof text - 5, "\"]}", 4); /* two windows on */
	struct json_members m = members_of(text, true, MEMBERS_MAX);
	cr_assert(m.count == 1);
	expect(&m.at[0].name, VALUE_STRING, VALUE_PLAIN, "long");
}

Test(json_scan, more_members_than_there_is_room_for_are_told)
{
	static const char text[] = "{\"a\":1,\"b\":2,\"c\":3}";
	WANT("a");
	struct json_members m = {.at = member_room, .room = 2, .all = true};
	int r = json_scan(&plan, (const uint8_t *)text, sizeof text - 1, values, &m, &mistake);
	cr_assert(r == 0 && m.count == 2 && m.is_full);
	m.room = 3;
	r = json_scan(&plan, (const uint8_t *)text, sizeof text - 1, values, &m, &mistake);
	cr_assert(r == 0 && m.count == 3 && !m.is_full);
}
