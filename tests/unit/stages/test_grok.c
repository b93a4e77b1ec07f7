#include "tests/unit/stages/grok_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- references ---- */

static struct grok_own own(const char *name, const char *pattern)
{
	return (struct grok_own){name, strlen(name), pattern, strlen(pattern)};
}

static void assert_pattern(const char *text, const char *expected)
{
	const struct grok_own owns[] = {own("A", "a|b"), own("N", "%{A:inner}x")};
	struct grok g;
	struct grok_error e;
	cr_assert_eq(
	    grok_expand(&g,
			&(struct grok_wish){
			    .text = text, .length = strlen(text), .own = owns, .own_count = 2},
			&e),
	    0, "%s: %s", text, e.message);
	cr_assert(g.length == strlen(expected) &&
		      (g.length == 0 || memcmp(g.pattern, expected, g.length) == 0),
		  "%s became %.*s", text, (int)g.length, g.pattern);
	grok_release(&g);
}

Test(grok, a_reference_becomes_a_group_of_what_its_name_stands_for)
{
	assert_pattern("", "");
	assert_pattern("x%{A}y", "x(?:a|b)y");
	assert_pattern("%{A:f} %{A:f}", "(?<f>a|b) (?<f>a|b)");
	assert_pattern("%{N:out}", "(?<out>(?<inner>a|b)x)");
	assert_pattern("%{A:f:int}", "(?<f>a|b)");
	assert_pattern("100% {A}", "100% {A}");
}

Test(grok, what_is_quoted_is_no_reference)
{
	assert_pattern("\\%{A}", "\\%{A}");
	assert_pattern("\\\\%{A}", "\\\\(?:a|b)");
	assert_pattern("[%{A}]%{A}", "[%{A}](?:a|b)");
	assert_pattern("[]%{A}]%{A}", "[]%{A}](?:a|b)");
	assert_pattern("[^]%{A}]%{A}", "[^]%{A}](?:a|b)");
	assert_pattern("[[:alpha:]%{A}\\]%{A}]%{A}", "[[:alpha:]%{A}\\]%{A}](?:a|b)");
	assert_pattern("\\[%{A}", "\\[(?:a|b)");
	assert_pattern("\\Q[%{A}\\E%{A}", "\\Q[%{A}\\E(?:a|b)");
	assert_pattern("\\Q%{A}", "\\Q%{A}");
	assert_pattern("(?#%{A})%{A}", "(?#%{A})(?:a|b)");
	assert_pattern("[%{", "[%{");
}

Test(grok, a_field_whose_name_is_no_groups_gets_a_group_of_another_name)
{
	assert_pattern("%{A:user.id} %{A:user.id} %{A:@x}", "(?<__0>a|b) (?<__0>a|b) (?<__1>a|b)");
	assert_pattern("%{A:1st}", "(?<__0>a|b)");
	assert_pattern("%{A:a.b}(?<__0>x)", "(?<__1>a|b)(?<__0>x)");
	assert_pattern("%{A:abcdefghijklmnopqrstuvwxyz012345}",
		       "(?<abcdefghijklmnopqrstuvwxyz012345>a|b)");
	assert_pattern("%{A:abcdefghijklmnopqrstuvwxyz0123456}", "(?<__0>a|b)");
	struct grok_trial t;
	grok_trial_of(&t, "%{WORD:user.id} %{WORD:abcdefghijklmnopqrstuvwxyz0123456789} (?<own>.)");
	cr_assert_eq(grok_trial_match(&t, "a b c"), 1);
	grok_trial_expect(&t, "user.id", "a");
	grok_trial_expect(&t, "abcdefghijklmnopqrstuvwxyz0123456789", "b");
	grok_trial_expect(&t, "own", "c");
	cr_assert_str_eq(grok_field_of(&t.grok, "__0", 3)->name, "user.id");
	cr_assert_null(grok_field_of(&t.grok, "own", 3));
	grok_trial_release(&t);
}

Test(grok, the_users_own_pattern_goes_before_the_librarys)
{
	const struct grok_own owns[] = {own("IPV4", "here"), own("MINE", "%{IP:ip}")};
	struct grok_trial t;
	grok_trial(
	    &t, &(struct grok_wish){.text = "%{MINE}", .length = 7, .own = owns, .own_count = 2});
	cr_assert_eq(grok_trial_match(&t, "1.2.3.4"), 0);
	cr_assert_eq(grok_trial_match(&t, "not there but here"), 1);
	grok_trial_expect(&t, "ip", "here");
	grok_trial_release(&t);
}

Test(grok, a_field_twice_is_what_took_part_first)
{
	struct grok_trial t;
	grok_trial_of(&t, "(?:x=%{INT:n}|y=%{INT:n})(?:,%{INT:n})?");
	cr_assert_eq(grok_trial_match(&t, "y=5,6"), 1);
	grok_trial_expect(&t, "n", "5");
	grok_trial_release(&t);
}

static bool wants_b(const void *context, const char *field, size_t length)
{
	(void)context;
	return length == 1 && field[0] == 'b';
}

Test(grok, a_field_that_nobody_wants_captures_nothing)
{
	struct grok g;
	struct grok_error e;
	const char *text = "%{SPACE:a}%{SPACE:b:int}";
	cr_assert_eq(
	    grok_expand(&g,
			&(struct grok_wish){.text = text, .length = strlen(text), .wants = wants_b},
			&e),
	    0);
	cr_assert_eq(g.field_count, 2, "it is known all the same");
	cr_assert(g.length == 16 && memcmp(g.pattern, "(?:\\s*)(?<b>\\s*)", 16) == 0, "%.*s",
		  (int)g.length, g.pattern);
	cr_assert_eq(g.fields[0].type, GROK_UNTYPED);
	cr_assert_eq(g.fields[1].type, GROK_INT);
	grok_release(&g);
}

Test(grok, a_type_holds_for_the_field_wherever_it_stands)
{
	struct grok_trial t;
	grok_trial_of(&t, "%{INT:a} %{INT:a:float} %{INT:a}");
	cr_assert_eq(t.grok.field_count, 1);
	cr_assert_eq(t.grok.fields[0].type, GROK_FLOAT);
	grok_trial_release(&t);
}

Test(grok, an_offset_in_the_pattern_is_one_in_the_text)
{
	struct grok g;
	struct grok_error e;
	cr_assert_eq(
	    grok_expand(&g, &(struct grok_wish){.text = "ab%{DATA}cd%{DATA:x}e", .length = 21}, &e),
	    0);
	/* ab(?:.*?)cd(?<x>.*?)e */
	cr_assert_eq(grok_offset(&g, 0), 0);
	cr_assert_eq(grok_offset(&g, 1), 1);
	cr_assert_eq(grok_offset(&g, 2), 2);
	cr_assert_eq(grok_offset(&g, 8), 2, "within the reference");
	cr_assert_eq(grok_offset(&g, 9), 9);
	cr_assert_eq(grok_offset(&g, 10), 10);
	cr_assert_eq(grok_offset(&g, 12), 11);
	cr_assert_eq(grok_offset(&g, 20), 20);
	cr_assert_eq(grok_offset(&g, 21), 21, "the end");
	grok_release(&g);
}

Test(grok, one_of_the_users_own_is_expanded_as_it_will_stand)
{
	const struct grok_own owns[] = {own("A", "x%{DATA}y"), own("B", "z")};
	const struct grok_wish wish = {.own = owns, .own_count = 2};
	struct grok g;
	struct grok_error e;
	cr_assert_eq(grok_expand_own(&g, &wish, 0, &e), 0);
	cr_assert(g.length == 13 && memcmp(g.pattern, "(?:x(?:.*?)y)", 13) == 0);
	cr_assert_eq(grok_offset(&g, 3), 0);
	cr_assert_eq(grok_offset(&g, 11), 8);
	grok_release(&g);
}

/* ---- what is refused ---- */

struct refusal {
	const char *text;
	const char *own[4]; /* name, pattern, name, pattern */
	const char *message;
	int in;
	size_t offset;
};

static const struct refusal refusals[] = {
    {"ab %{NUMBR:n}", {NULL}, "no pattern is called `NUMBR`; did you mean `NUMBER`?", -1, 5},
    {"%{ip}", {NULL}, "no pattern is called `ip`; did you mean `IP`?", -1, 2},
    {"%{MYTHING}",
     {"MYTHINGS", "x"},
     "no pattern is called `MYTHING`; did you mean `MYTHINGS`?",
     -1,
     2},
    {"%{QQQQQQQQ}", {NULL}, "no pattern is called `QQQQQQQQ`; `patterns` may define it", -1, 2},
    {"%{A}",
     {"A", "x %{NOSUCHTHING}"},
     "no pattern is called `NOSUCHTHING`; `patterns` may define it",
     0,
     4},
    {"é %{", {NULL}, "`%{` without `}`; a percent sign before a brace is written `\\%{`", -1, 3},
    {"%{INT", {NULL}, "`%{` without `}`; a percent sign before a brace is written `\\%{`", -1, 0},
    {"x%{}",
     {NULL},
     "a pattern's name has letters, digits and `_`, at most 64; a percent sign before a brace is "
     "written `\\%{`",
     -1,
     3},
    {"%{A B}",
     {NULL},
     "a pattern's name has letters, digits and `_`, at most 64; a percent sign before a brace is "
     "written `\\%{`",
     -1,
     2},
    {"%{INT:}", {NULL}, "a field's name has 1 to 128 bytes, no spaces and no `{`", -1, 6},
    {"%{INT: a}", {NULL}, "a field's name has 1 to 128 bytes, no spaces and no `{`", -1, 6},
    {"%{INT:a:}", {NULL}, "`` is no type; one of string, int, float, bool", -1, 8},
    {"%{INT:a:int:b}", {NULL}, "`int:b` is no type; one of string, int, float, bool", -1, 8},
    {"%{INT:a:int} %{INT:a:float}", {NULL}, "`a` has another type before", -1, 21},
    {"%{A}", {"A", "%{A}"}, "`A` would hold itself", 0, 2},
    {"x %{A}", {"A", "1%{B}", "B", "22%{A}"}, "`A` would hold itself", 1, 4},
    {"%{IP}", {"IPV4", "-%{IPORHOST}"}, "`IP` would hold itself", 0, 1},
};

Test(grok, what_is_wrong_is_told_where_the_user_wrote_it)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		const struct refusal *r = &refusals[i];
		struct grok_own owns[2];
		size_t count = 0;
		for (; count < 2 && r->own[2 * count]; count++)
			owns[count] = own(r->own[2 * count], r->own[2 * count + 1]);
		struct grok g;
		struct grok_error e = {.own = 99};
		const struct grok_wish wish = {
		    .text = r->text, .length = strlen(r->text), .own = owns, .own_count = count};
		cr_assert_eq(grok_expand(&g, &wish, &e), -EINVAL, "%s", r->text);
		cr_expect_str_eq(e.message, r->message);
		cr_expect_eq(e.own, r->in, "%s", r->text);
		cr_expect_eq(e.offset, r->offset, "%s: %zu", r->text, e.offset);
		grok_release(&g);
	}
}

/* Each refers `times` to the next one; the last one is `x`. */
static int expand_chain(unsigned links, unsigned times, struct grok_error *e)
{
	struct grok_own *owns = calloc(links, sizeof *owns);
	char(*texts)[128] = calloc(links, sizeof *texts),
	(*names)[16] = calloc(links, sizeof *names);
	cr_assert(owns && texts && names);
	for (unsigned i = 0; i < links; i++) {
		snprintf(names[i], sizeof names[i], "L%u", i);
		for (unsigned t = 0; t < times && i + 1 < links; t++) {
			size_t at = strlen(texts[i]);
			snprintf(texts[i] + at, sizeof texts[i] - at, "%%{L%u}", i + 1);
		}
		if (i + 1 == links)
			strcpy(texts[i], "x");
		owns[i] = own(names[i], texts[i]);
	}
	struct grok g;
	int r = grok_expand(
	    &g, &(struct grok_wish){.text = "%{L0}", .length = 5, .own = owns, .own_count = links},
	    e);
	grok_release(&g);
	free(names);
	free(texts);
	free(owns);
	return r;
}

Test(grok, depth_has_a_limit)
{
	struct grok_error e;
	cr_assert_eq(expand_chain(GROK_DEPTH_MAX, 1, &e), 0);
	cr_assert_eq(expand_chain(GROK_DEPTH_MAX + 1, 1, &e), -EINVAL);
	cr_assert_str_eq(e.message, "patterns refer to each other more than 32 deep");
	cr_assert_eq(e.own, GROK_DEPTH_MAX - 1);
}

Test(grok, length_has_a_limit_that_is_reached_soon)
{
	struct grok_error e;
	cr_assert_eq(expand_chain(30, 8, &e), -EINVAL); /* 8^29 of them */
	cr_assert_str_eq(e.message, "it becomes longer than 65536 bytes");
	static char text[GROK_PATTERN_BYTES_MAX + 1];
	memset(text, 'x', sizeof text);
	struct grok g;
	cr_assert_eq(
	    grok_expand(&g, &(struct grok_wish){.text = text, .length = sizeof text - 1}, &e), 0);
	grok_release(&g);
	cr_assert_eq(grok_expand(&g, &(struct grok_wish){.text = text, .length = sizeof text}, &e),
		     -EINVAL);
	grok_release(&g);
}

Test(grok, fields_have_a_limit)
{
	static char text[(GROK_FIELDS_MAX + 1) * 16];
	struct grok g;
	struct grok_error e;
	size_t length = 0;
	for (unsigned i = 0; i <= GROK_FIELDS_MAX; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, "%%{INT:f%u}", i);
	cr_assert_eq(grok_expand(&g, &(struct grok_wish){.text = text, .length = length}, &e),
		     -EINVAL);
	cr_assert_str_eq(e.message, "more than 256 fields");
	grok_release(&g);
	cr_assert_eq(
	    grok_expand(&g,
			&(struct grok_wish){.text = text, .length = length - strlen("%{INT:f256}")},
			&e),
	    0);
	cr_assert_eq(g.field_count, GROK_FIELDS_MAX);
	grok_release(&g);
}
