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
