#include "stages/lua/lua_pattern.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(lua_pattern);

static struct lua_pattern p;

/* "from-to", and what was captured. */
static const char *found(const char *text, const char *pattern)
{
	static char said[256];
	const uint8_t *from, *to;
	lua_pattern_init(&p, (const uint8_t *)pattern, strlen(pattern), (const uint8_t *)text,
			 strlen(text));
	p.steps = 100000;
	to = lua_pattern_find(&p, p.text, &from);
	if (!to)
		return p.why ? p.why : p.gave_up ? "gave up" : "no";
	size_t used = (size_t)snprintf(said, sizeof said, "%td-%td", from - p.text, to - p.text);
	for (unsigned i = 0; i < p.count; i++)
		if (p.captures[i].length == LUA_CAPTURE_POSITION)
			used += (size_t)snprintf(said + used, sizeof said - used, " @%td",
						 p.captures[i].from - p.text);
		else
			used += (size_t)snprintf(said + used, sizeof said - used, " %.*s",
						 (int)p.captures[i].length,
						 (const char *)p.captures[i].from);
	return said;
}

static void expect(const char *text, const char *pattern, const char *wanted)
{
	const char *got = found(text, pattern);
	cr_expect_str_eq(got, wanted, "`%s` in `%s`: %s, not %s", pattern, text, got, wanted);
}

Test(lua_pattern, characters_and_classes_are_those_of_the_manual)
{
	expect("hello", "l", "2-3");
	expect("hello", "l+", "2-4");
	expect("hello", "x*", "0-0");
	expect("hello", "", "0-0");
	expect("a.b", "%.", "1-2");
	expect("ab12 c", "%d+", "2-4");
	expect("ab12 c", "%D+", "0-2");
	expect("ab12 c", "%s%l$", "4-6");
	expect("X_9", "%u%p%x", "0-3");
	expect("a\x01z", "%c", "1-2");
	expect("caf\xc3\xa9", "%a+", "0-3");
	expect("abc", "^b", "no");
	expect("abc", "a$", "no");
	expect("a$", "a$", "no");
	expect("a$c", "a$c", "0-3");
}

Test(lua_pattern, sets_have_ranges_members_and_their_opposite)
{
	expect("key=v", "[a-z]+", "0-3");
	expect("key=v", "[^=]*", "0-3");
	expect("a]b", "[]]", "1-2");
	expect("a]b", "[^]]+", "0-1");
	expect("a-b", "[a%-]+", "0-2");
	expect("a-b", "[b-]+", "1-3");
	expect("x%y", "[%%]", "1-2");
	expect("12ab", "[%a_]+", "2-4");
}

Test(lua_pattern, repetition_is_greedy_unless_it_is_a_minus)
{
	expect("<a><b>", "<.*>", "0-6");
	expect("<a><b>", "<.->", "0-3");
	expect("color colour", "colou?r$", "6-12");
	expect("aaa", "a-$", "0-3");
	expect("aaa", "^a-b", "no");
}

Test(lua_pattern, captures_are_texts_places_and_repeated)
{
	expect("k = v", "(%w+)%s*=%s*(%w+)", "0-5 k v");
	expect("abc", "()b()", "1-2 @1 @2");
	expect("say \"it's\"", "([\"'])(.-)%1", "4-10 \" it's");
	expect("ab", "((a)(b))", "0-2 ab a b");
	expect("xx", "(x-)$", "0-2 xx");
	expect("xx", "()x%1", "no");
}

Test(lua_pattern, balanced_and_frontier_are_known)
{
	expect("f(a(b)c)d)", "%b()", "1-8");
	expect("((", "%b()", "no");
	expect("THE (quick) fox", "%f[%a]%a+%f[%A]", "0-3");
	expect("a1", "%f[%d]", "1-1");
	expect("a", "%f[%z]", "1-1");
}

Test(lua_pattern, malformed_ones_say_what_is_wrong)
{
	expect("a", "[a", "malformed pattern (missing `]`)");
	expect("a", "[%", "malformed pattern (missing `]`)");
	expect("a", "[]", "malformed pattern (missing `]`)");
	expect("a", "%", "malformed pattern (ends with `%`)");
	expect("a", "(a", "unfinished capture");
	expect("a", "a)", "invalid pattern capture");
	expect("a", "%1", "invalid capture index");
	expect("a", "(%1)", "invalid capture index");
	expect("a", "%ba", "unbalanced pattern");
	expect("a", "%fa", "missing `[` after `%f` in pattern");
	expect("a", "()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()",
	       "too many captures");
}

Test(lua_pattern, patience_ends_where_time_would_be_exponential)
{
	char text[64] = "", pattern[256] = "";
	memset(text, 'a', 40);
	for (int i = 0; i < 80; i++)
		pattern[i] = "a?"[i % 2];
	memset(pattern + 80, 'a', 40);
	expect(text, pattern, "gave up");
	expect(text, ".-.-.-.-.-.-.-.-.-.-b", "gave up");
	cr_expect_eq(p.steps, 0);
}

Test(lua_pattern, depth_ends_before_the_stack_does)
{
	char pattern[1024] = "";
	for (int i = 0; i < 800; i++)
		pattern[i] = "b?"[i % 2];
	expect("a", pattern, "gave up");
	cr_expect_gt(p.steps, 0);
}
