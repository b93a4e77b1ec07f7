#include "stages/regex.h"

#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <errno.h>

static int match(const char *pattern, const char *bytes, size_t length)
{
	struct regex r;
	struct regex_error error;
	cr_assert_eq(regex_init(&r, pattern, strlen(pattern), &error), 0, "%s", pattern);
	int found = regex_matches(&r, guarded_at_end(bytes, length), length);
	regex_release(&r);
	return found;
}

static int match_text(const char *pattern, const char *text)
{
	return match(pattern, text, strlen(text));
}

Test(regex, a_pattern_matches_anywhere_in_the_bytes)
{
	cr_assert_eq(match_text("\" 5\\d\\d ", "GET / HTTP/1.1\" 503 17"), 1);
	cr_assert_eq(match_text("\" 5\\d\\d ", "GET / HTTP/1.1\" 404 17"), 0);
	cr_assert_eq(match_text("^$", ""), 1);
	cr_assert_eq(match_text("a", ""), 0);
}

Test(regex, the_bounds_are_those_of_the_bytes)
{
	cr_assert_eq(match_text("b$", "ab"), 1);
	cr_assert_eq(match_text("b$", "ab\n"), 0, "a final newline is part of the record");
	cr_assert_eq(match_text("b$", "ab\r"), 0, "so is a carriage return");
	cr_assert_eq(match_text("^b", "a\nb"), 0);
	cr_assert_eq(match_text("(?m)^b", "a\nb"), 1);
}

Test(regex, bytes_are_bytes_until_the_pattern_speaks_of_characters)
{
	cr_assert_eq(match_text("^.$", "\xe9"), 1);
	cr_assert_eq(match_text("^..$", "\xc3\xa9"), 1);
	cr_assert_eq(match_text("^\\xe9$", "\xe9"), 1);
	cr_assert_eq(match("a.b", "a\0b", 3), 1);
	cr_assert_eq(match_text("^caf\xc3\xa9.$", "caf\xc3\xa9\xc3\xa9"), 1);
	cr_assert_eq(match_text("^\\p{Lu}$", "\xc3\x89"), 1);
	cr_assert_eq(match_text("^\\X$", "e\xcc\x81"), 1);
	cr_assert_eq(match_text("\\x{20ac}", "\xe2\x82\xac"), 1);
	cr_assert_eq(match_text("^\\\\p.$", "\\p\xe9"), 1, "an escaped backslash is no escape");
}

Test(regex, invalid_utf8_beside_a_match_does_no_harm)
{
	cr_assert_eq(match_text("\xc3\xa9$", "\xff\xfe \xc3\xa9"), 1);
	cr_assert_eq(match_text("(*UTF)a", "\xff a"), 1);
	cr_assert_eq(match_text("\xc3\xa9", "\xc3"), 0);
}

Test(regex, a_pattern_that_does_not_compile_says_why_and_where)
{
	struct regex r;
	struct regex_error error;
	cr_assert_eq(regex_init(&r, "ab(cd", 5, &error), -EINVAL);
	cr_assert(strstr(error.message, "parenthesis"));
	cr_assert_eq(error.offset, 5);
	cr_assert_eq(regex_check("x[a-", 4, &error), -EINVAL);
	cr_assert(strlen(error.message) > 0);
	cr_assert_eq(regex_check("x[a-]", 5, &error), 0);
	regex_release(&r); /* what init leaves on failure can be released */
}

Test(regex, a_search_without_end_is_given_up)
{
	char text[20]; /* some 2^20 steps: more than ours, less than PCRE2's own limit of 10^7 */
	memset(text, 'a', sizeof(text));
	cr_assert_eq(match("^(a+)+$", text, sizeof(text)), 1);
	text[sizeof(text) - 1] = 'b';
	cr_assert_eq(match("^(a+)+$", text, sizeof(text)), -ELOOP);
	cr_assert_eq(match("(*NO_JIT)^(a+)+$", text, sizeof(text)), -ELOOP);
}

/* ---- captures ---- */

enum { SLOTS = 4 };

struct trial {
	struct regex regex;
	struct regex_span spans[SLOTS];
};

/* names: wanted in slot 0, 1, ... */
static void prepare(struct trial *t, const char *pattern, unsigned syntax, const char *names)
{
	struct regex_error error;
	cr_assert_eq(regex_compile(&t->regex, pattern, strlen(pattern), syntax, &error), 0,
		     "%s: %s", pattern, error.message);
	unsigned slot = 0;
	for (const char *n = names; *n; n += strcspn(n, " "), n += *n == ' ')
		cr_assert_eq(regex_want(&t->regex, n, strcspn(n, " "), slot++), 0, "%s", n);
	cr_assert_eq(regex_prepare(&t->regex), 0);
	for (unsigned i = 0; i < SLOTS; i++)
		t->spans[i] = (struct regex_span){(const uint8_t *)"untouched", 9};
}

static int capture(struct trial *t, const char *text)
{
	size_t length = strlen(text);
	return regex_capture(&t->regex, guarded_at_end(text, length), length, t->spans);
}

/* expected NULL: took no part. */
static void assert_span(const struct trial *t, unsigned slot, const char *expected)
{
	struct regex_span s = t->spans[slot];
	if (!expected) {
		cr_assert_null(s.bytes);
		return;
	}
	cr_assert(
	    s.bytes && s.length == strlen(expected) && memcmp(s.bytes, expected, s.length) == 0,
	    "slot %u is '%.*s', not '%s'", slot, (int)s.length, (const char *)s.bytes, expected);
}

/* Each step goes over the rest of the record: without a bound that takes a minute. */
Test(regex, steps_that_walk_far_are_fewer, .timeout = 20)
{
	static const char pattern[] = "^(\\S+) (\\S+)[^\"]*\" (\\d+)";
	const size_t length = 1000000;
	struct regex r;
	struct regex_error error;
	uint8_t *record = malloc(length);
	memset(record, 'a', length);
	memcpy(record, "GET /", 5);
	cr_assert(regex_init(&r, pattern, sizeof pattern - 1, &error) == 0);
	cr_expect(regex_matches(&r, record, length) == -ELOOP);
	memcpy(record + length - 5, "\" 200", 5);
	cr_expect(regex_matches(&r, record, length) == 1);
	regex_release(&r);
	free(record);
}

/* Found by fuzzing: PCRE2's machine code does not come back from this for a minute, whatever its limit of steps. */
Test(regex, a_pattern_that_calls_itself_is_given_up_or_done_soon, .timeout = 10)
{
	static const char *const patterns[] = {
	    "(?J)(?<nnnn>(?<n>!)|(?<nnnn>(?<n>!)|())(?6)((?<n>)?|(?>(?<n>!)|)(?7)((?<n>)|(?<n>b)))"
	    "2?6)"
	    "((?<n>)?|(?<n>b))",
	    "(J?)(?<nnnn>(?<n>!)|()|((<n>&)|())(?2)((?=n>)?+|(?)))(?|(?|>b))",
	};
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		struct regex r;
		struct regex_error error;
		int compiled = regex_init(&r, patterns[i], strlen(patterns[i]), &error);
		if (compiled < 0)
			continue;
		cr_expect(regex_matches(&r, (const uint8_t *)"b)", 2) != -EIO);
		regex_release(&r);
	}
}

Test(regex, a_pattern_may_call_itself)
{
	static const char *const patterns[] = {
	    "^(\\((?:[^()]|(?1))*\\))$",        "^(?<p>\\((?:[^()]|(?&p))*\\))$",
	    "^(?P<p>\\((?:[^()]|(?P>p))*\\))$", "^(?<p>\\((?:[^()]|\\g<p>)*\\))$",
	    "^(\\((?:[^()]|(?-1))*\\))$",
	};
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		struct regex r;
		struct regex_error error;
		cr_assert(regex_init(&r, patterns[i], strlen(patterns[i]), &error) == 0);
		cr_expect(regex_matches(&r, (const uint8_t *)"(a(b)c)", 7) == 1, "%s", patterns[i]);
		cr_expect(regex_matches(&r, (const uint8_t *)"(a(b)c", 6) == 0, "%s", patterns[i]);
		regex_release(&r);
	}
}

Test(regex, the_wanted_groups_spans_are_told_and_no_others)
{
	struct trial t;
	prepare(&t, "(?<verb>[A-Z]+) (?<path>\\S+) (?'status'\\d+)(?P<rest> .*)?$", REGEX_PLAIN,
		"status verb rest");
	cr_assert_eq(capture(&t, "GET /a 200"), 1);
	assert_span(&t, 0, "200");
	assert_span(&t, 1, "GET");
	assert_span(&t, 2, NULL);
	assert_span(&t, 3, "untouched");
	cr_assert_eq(capture(&t, "GET /a 200 x"), 1);
	assert_span(&t, 2, " x");
	cr_assert_eq(capture(&t, "GET /a 200"), 1);
	assert_span(&t, 2, NULL);
	cr_assert_eq(capture(&t, "GET"), 0);
	regex_release(&t.regex);
}

Test(regex, a_group_that_matched_nothing_took_part)
{
	struct trial t;
	prepare(&t, "^(?<a>x*)(?<b>y)?$", REGEX_PLAIN, "a b");
	cr_assert_eq(capture(&t, ""), 1);
	assert_span(&t, 0, "");
	assert_span(&t, 1, NULL);
	regex_release(&t.regex);
}

Test(regex, of_groups_with_one_name_the_first_that_took_part_counts)
{
	static const char *const patterns[] = {"(?J)(?:a(?<n>\\d)|b(?<n>\\d))(?<n>z)?",
					       "(?:a(?<n>\\d)|b(?<n>\\d))(?<n>z)?"};
	for (unsigned i = 0; i < 2; i++) {
		struct trial t;
		prepare(&t, patterns[i], i ? REGEX_SAME_NAMES : REGEX_PLAIN, "n");
		cr_assert_eq(capture(&t, "b7z"), 1);
		assert_span(&t, 0, "7");
		cr_assert_eq(capture(&t, "a6"), 1);
		assert_span(&t, 0, "6");
		regex_release(&t.regex);
	}
	struct regex r;
	struct regex_error error;
	cr_assert_eq(regex_compile(&r, "(?<n>a)(?<n>b)", 14, REGEX_PLAIN, &error), -EINVAL);
}

Test(regex, two_names_may_share_a_slot)
{
	struct trial t;
	struct regex_error error;
	cr_assert_eq(regex_compile(&t.regex, "(?<one>a)?(?<two>b)", 19, REGEX_PLAIN, &error), 0);
	cr_assert_eq(regex_want(&t.regex, "one", 3, 0), 0);
	cr_assert_eq(regex_want(&t.regex, "two", 3, 0), 0);
	cr_assert_eq(regex_prepare(&t.regex), 0);
	cr_assert_eq(capture(&t, "ab"), 1);
	assert_span(&t, 0, "a");
	cr_assert_eq(capture(&t, "b"), 1);
	assert_span(&t, 0, "b");
	regex_release(&t.regex);
}

Test(regex, names_are_told_with_their_groups)
{
	struct regex r;
	struct regex_error error;
	cr_assert_eq(regex_compile(&r, "(a)(?<z>b)(?<y_2>c)", 19, REGEX_PLAIN, &error), 0);
	cr_assert_eq(regex_name_count(&r), 2);
	cr_assert_str_eq(regex_name(&r, 0).name, "y_2");
	cr_assert_eq(regex_name(&r, 0).length, 3);
	cr_assert_eq(regex_name(&r, 0).group, 3);
	cr_assert_str_eq(regex_name(&r, 1).name, "z");
	cr_assert_eq(regex_name(&r, 1).group, 2);
	cr_assert_eq(regex_want(&r, "y", 1, 0), -ENOENT);
	cr_assert_eq(regex_want(&r, "y_22", 4, 0), -ENOENT);
	regex_release(&r);
	cr_assert_eq(regex_compile(&r, "(a)(?<z>b)", 10, REGEX_NAMED_ONLY, &error), 0);
	cr_assert_eq(regex_name(&r, 0).group, 1, "the other one is no group");
	regex_release(&r);
}

Test(regex, a_capture_without_end_is_given_up_too)
{
	static const char *const patterns[] = {"^(?<a>(a+)+)$", "(*NO_JIT)^(?<a>(a+)+)$"};
	for (unsigned i = 0; i < 2; i++) {
		struct trial t;
		prepare(&t, patterns[i], REGEX_PLAIN, "a");
		cr_assert_eq(capture(&t, "aaaaaaaaaaaaaaaaaaab"), -ELOOP);
		assert_span(&t, 0, "untouched");
		cr_assert_eq(capture(&t, "aaa"), 1);
		assert_span(&t, 0, "aaa");
		regex_release(&t.regex);
	}
}

Test(regex, spans_are_right_beside_bytes_that_are_no_characters)
{
	struct trial t;
	prepare(&t, "(?<a>caf\xc3\xa9)(?<b>.)?", REGEX_PLAIN, "a b");
	cr_assert_eq(capture(&t, "\xff\xfe caf\xc3\xa9"), 1);
	assert_span(&t, 0, "caf\xc3\xa9");
	assert_span(&t, 1, NULL);
	regex_release(&t.regex);
}

Test(regex, a_long_record_is_searched_from_its_front)
{
	enum { LENGTH = 4 * REGEX_SEARCHED_WHOLE_BYTES, TRIED = REGEX_SEARCHED_WHOLE_BYTES / 4 };
	static char record[LENGTH];
	static const char *const patterns[] = {"(?<a>x)y?", "(*NO_JIT)(?<a>x)y?"};
	for (unsigned i = 0; i < 2; i++) {
		struct trial t;
		const uint8_t *bytes = (const uint8_t *)record;
		memset(record, '-', sizeof record);
		prepare(&t, patterns[i], REGEX_PLAIN, "a");
		cr_assert_eq(regex_capture(&t.regex, bytes, LENGTH, t.spans), -ELOOP);
		cr_assert_eq(regex_capture(&t.regex, bytes, REGEX_SEARCHED_WHOLE_BYTES, t.spans),
			     0);
		record[TRIED + 1] = 'x';
		cr_assert_eq(regex_capture(&t.regex, bytes, LENGTH, t.spans), -ELOOP);
		cr_assert_eq(regex_capture(&t.regex, bytes, REGEX_SEARCHED_WHOLE_BYTES, t.spans),
			     1);
		cr_assert_eq(regex_matches(&t.regex, bytes, LENGTH), 1,
			     "only captures are limited");
		record[TRIED] = 'x';
		cr_assert_eq(regex_capture(&t.regex, bytes, LENGTH, t.spans), 1);
		cr_assert_eq(t.spans[0].bytes, bytes + TRIED);
		regex_release(&t.regex);
	}
	memset(record, '-', sizeof record);
	struct trial t;
	prepare(&t, "^[^x]*(?<a>x)$", REGEX_PLAIN, "a");
	cr_assert_eq(regex_capture(&t.regex, (const uint8_t *)record, LENGTH, t.spans), 0);
	record[LENGTH - 1] = 'x';
	cr_assert_eq(regex_capture(&t.regex, (const uint8_t *)record, LENGTH, t.spans), 1);
	cr_assert_eq(t.spans[0].bytes, (const uint8_t *)record + LENGTH - 1);
	regex_release(&t.regex);
}
