#include "stages/json/json_lines.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { ROOM = 4096 };

struct lines_trial {
	struct json_lines j;
	uint8_t text[ROOM];
	size_t length;
};

/* In pieces of so many bytes, into rooms of so many. 0 or -EBADMSG. */
static int feed(struct lines_trial *t, const char *text, size_t length, size_t piece, size_t room)
{
	size_t made;
	t->length = 0;
	json_lines_init(&t->j);
	for (size_t at = 0; at < length;) {
		size_t n = length - at < piece ? length - at : piece;
		ptrdiff_t taken = json_lines_take(&t->j, (const uint8_t *)text + at, n,
						  t->text + t->length, room, &made);
		cr_assert_leq(made, room);
		t->length += made;
		cr_assert_lt(t->length + room, ROOM);
		if (taken < 0)
			return (int)taken;
		cr_assert(taken > 0 && (size_t)taken <= n);
		at += (size_t)taken;
	}
	int r = json_lines_end(&t->j, t->text + t->length, &made);
	t->length += made;
	return r;
}

static void expect_lines(const char *text, const char *lines, uint64_t count)
{
	struct lines_trial t;
	size_t length = strlen(text);
	for (size_t piece = 1; piece <= length + 1; piece++)
		for (size_t room = JSON_LINES_ROOM; room <= 64; room += 7) {
			cr_assert_eq(feed(&t, text, length, piece, room), 0, "%s: %s", text,
				     t.j.why);
			cr_expect(t.length == strlen(lines) && memcmp(t.text, lines, t.length) == 0,
				  "%s in pieces of %zu: %.*s", text, piece, (int)t.length, t.text);
			cr_expect_eq(t.j.lines, count, "%s", text);
			cr_expect_eq(t.j.offset, length);
		}
}

static void expect_mistake(const char *text, uint64_t offset, const char *why)
{
	struct lines_trial t;
	size_t length = strlen(text);
	for (size_t piece = 1; piece <= length; piece++) {
		cr_assert_eq(feed(&t, text, length, piece, 64), -EBADMSG, "%s", text);
		cr_expect_str_eq(t.j.why, why, "%s: %s", text, t.j.why);
		cr_expect_eq(t.j.offset, offset, "%s: at %ju", text, (uintmax_t)t.j.offset);
	}
}

Test(json_lines, each_value_of_an_array_is_a_line)
{
	expect_lines("[]", "", 0);
	expect_lines(" [ ] \n", "", 0);
	expect_lines("[1,2 , 3]", "1\n2\n3\n", 3);
	expect_lines("[{\"a\":1},{\"b\":[2,3]},[4,[5]],\"x,]\\\"\",null,true,false,-0.5e+7]",
		     "{\"a\":1}\n{\"b\":[2,3]}\n[4,[5]]\n\"x,]\\\"\"\nnull\ntrue\nfalse\n-0.5e+7\n",
		     8);
}

Test(json_lines, a_value_that_stands_alone_is_a_line)
{
	expect_lines("{}", "{}\n", 1);
	expect_lines("{\"a\":[1,{}]}", "{\"a\":[1,{}]}\n", 1);
	expect_lines("17", "17\n", 1);
	expect_lines(" \"\\u00e9\\n\" ", "\"\\u00e9\\n\"\n", 1);
	expect_lines("", "", 0);
	expect_lines(" \r\n\t", "", 0);
}

Test(json_lines, values_one_behind_the_other_are_lines)
{
	expect_lines("{\"a\":1}\n{\"a\":2}\r\n{\"a\":3}", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", 3);
	expect_lines("{}{}[7,8]9 10", "{}\n{}\n7\n8\n9\n10\n", 6);
}

Test(json_lines, nothing_but_newlines_between_parts_is_left_out)
{
	expect_lines("[\n  {\n    \"a b\": 1,\r\n\t\"c\" : [ 2,\n3 ]\n  }\n]\n",
		     "{    \"a b\": 1,\t\"c\" : [ 2,3 ]  }\n", 1);
}

Test(json_lines, a_mistake_is_told_where_it_stands)
{
	expect_mistake("[1,]", 3, "a value has to stand there");
	expect_mistake("[1 2]", 3, "a comma or the end has to stand there");
	expect_mistake("{\"a\" 1}", 5, "a colon has to stand there");
	expect_mistake("{a:1}", 1, "a name has to stand there");
	expect_mistake("{\"a\":1,}", 7, "a name has to stand there");
	expect_mistake("{\"a\":1]", 6, "a ] where a } belongs");
	expect_mistake("[1}", 2, "a } where a ] belongs");
	expect_mistake("]", 0, "a value has to stand there");
	expect_mistake("\"a\nb\"", 2, "a control character in a string");
	expect_mistake("\"\\x\"", 2, "no such escape");
	expect_mistake("\"\\u12g4\"", 5, "not four hexadecimal digits");
	expect_mistake("[trux]", 4, "not true, false or null");
	expect_mistake("01", 1, "not how JSON writes a number");
	expect_mistake("[1.]", 3, "not how JSON writes a number");
	expect_mistake("-a", 1, "not how JSON writes a number");
	expect_mistake("{\"a\":1} garbage", 8, "a value has to stand there");
}

Test(json_lines, the_end_within_a_value_is_a_mistake)
{
	static const char *const texts[] = {"[",  "[1", "{", "{\"a\"", "{\"a\":", "\"a",  "tru",
					    "1.", "1e", "-", "[{}",    "[{},",    "\"\\", "\"\\u0"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect_mistake(texts[i], strlen(texts[i]), "it ends in the middle of a value");
}

Test(json_lines, depth_is_bounded)
{
	char deep[JSON_LINES_DEPTH * 2 + 3] = "";
	struct lines_trial t;
	memset(deep, '[', JSON_LINES_DEPTH);
	memset(deep + JSON_LINES_DEPTH, ']', JSON_LINES_DEPTH);
	cr_expect_eq(feed(&t, deep, strlen(deep), 100, 64), 0);
	cr_expect_eq(t.j.lines, 1);
	memset(deep, '[', JSON_LINES_DEPTH + 1);
	cr_expect_eq(feed(&t, deep, JSON_LINES_DEPTH + 1, 100, 64), -EBADMSG);
	cr_expect_str_eq(t.j.why, "nested too deeply");
	cr_expect_eq(t.j.offset, JSON_LINES_DEPTH);
}

Test(json_lines, a_nul_is_a_mistake_wherever_it_stands)
{
	static const char *const texts[] = {"", "[", "{", "{\"a\"", "\"", "\"\\", "t", "1", "[1"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct lines_trial t;
		cr_expect_eq(feed(&t, texts[i], strlen(texts[i]) + 1, 3, 64), -EBADMSG, "%s",
			     texts[i]);
		cr_expect_eq(t.j.offset, strlen(texts[i]));
	}
}
