#include "stages/text/csv_scan.h"
#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* Each field as it is meant and a bar, and what is wrong at the end. */
static const char *shown(const char *text, char comma, bool strict)
{
	static char to[4096];
	const size_t length = strlen(text);
	struct csv_scan s = csv_from(guarded_at_end(text, length), length, (uint8_t)comma, strict);
	struct csv_field f;
	size_t at = 0;
	int r;
	while ((r = csv_next(&s, &f)) > 0) {
		if (f.doubled)
			at += csv_undouble((uint8_t *)to + at, f.text);
		else
			at += (size_t)snprintf(to + at, sizeof to - at, "%.*s", (int)f.text.length,
					       (const char *)f.text.bytes);
		to[at++] = '|';
	}
	to[at] = 0;
	if (r < 0)
		snprintf(to + at, sizeof to - at, "!%s", s.why);
	return to;
}

static const struct {
	const char *text, *strict, *lenient; /* NULL: the same */
} cases[] = {
    {"", "|", NULL},
    {"\r", "|", NULL},
    {"a", "a|", NULL},
    {"a,b,c", "a|b|c|", NULL},
    {"a,b,c\r", "a|b|c|", NULL},
    {"a\rb,c", "a\rb|c|", NULL},
    {",", "||", NULL},
    {"a,,", "a|||", NULL},
    {" a , b ", " a | b |", NULL},
    {"\"\"", "|", NULL},
    {"\"a\"", "a|", NULL},
    {"\"a\"\r", "a|", NULL},
    {"\"a,b\",c", "a,b|c|", NULL},
    {"a,\"\",c", "a||c|", NULL},
    {"\"a \"\"b\"\" c\",d", "a \"b\" c|d|", NULL},
    {"\"\"\"\"", "\"|", NULL},
    {"\"\"\"\"\"\",x", "\"\"|x|", NULL},
    {"\xff\x01,\"\xfe\"", "\xff\x01|\xfe|", NULL},
    {"a\"b,c", "!quote within a field", "a\"b|c|"},
    {"a\"\"b,c", "!quote within a field", "a\"\"b|c|"},
    {" \"a\",b", "!quote within a field", " \"a\"|b|"},
    {"x,\"a\" ,b", "x|!text behind a closing quote", "x|!quote without an end"},
    {"\"a\" b\",c", "!text behind a closing quote", "a\" b|c|"},
    {"\"a\"b\"\"c\"", "!text behind a closing quote", "a\"b\"c|"},
    {"\"", "!quote without an end", NULL},
    {"\"\"\"", "!quote without an end", NULL},
    {"a,\"b,c", "a|!quote without an end", NULL},
    {"a,\"b\"\"", "a|!quote without an end", NULL},
};

Test(csv_scan, records_are_taken_apart_or_refused_where_they_are_wrong)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = shown(cases[i].text, ',', true);
		cr_expect_str_eq(got, cases[i].strict, "%s: %s, not %s", cases[i].text, got,
				 cases[i].strict);
		const char *expected = cases[i].lenient ? cases[i].lenient : cases[i].strict;
		got = shown(cases[i].text, ',', false);
		cr_expect_str_eq(got, expected, "%s, leniently: %s, not %s", cases[i].text, got,
				 expected);
	}
}

Test(csv_scan, another_byte_may_stand_for_the_comma)
{
	cr_expect_str_eq(shown("a,b;\"c;d\";e", ';', true), "a,b|c;d|e|");
	cr_expect_str_eq(shown("a b\t\"\t\"", '\t', true), "a b|\t|");
}

Test(csv_scan, after_a_refusal_there_is_nothing_more)
{
	struct csv_scan s = csv_from((const uint8_t *)"\"a\"b,c", 6, ',', true);
	struct csv_field f;
	cr_expect_lt(csv_next(&s, &f), 0);
	cr_expect_lt(csv_next(&s, &f), 0);
}
