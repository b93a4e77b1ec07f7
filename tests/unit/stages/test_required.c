#define PCRE2_CODE_UNIT_WIDTH 8

#include "stages/required.h"

#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <pcre2.h>
#include <stdio.h>

static bool has(const struct literal_bytes *strings, size_t count, const char *string)
{
	for (size_t i = 0; i < count; i++)
		if (strings[i].length == strlen(string) &&
		    memcmp(strings[i].bytes, string, strlen(string)) == 0)
			return true;
	return false;
}

struct example {
	const char *pattern;
	const char *strings[8]; /* ends with NULL; none: nothing is known */
};

static void check_example(const struct example *e)
{
	struct required r;
	cr_assert_eq(required_from_pattern(&r, e->pattern, strlen(e->pattern), false), 0);
	size_t want = 0;
	for (; e->strings[want]; want++)
		cr_assert(has(r.strings, r.count, e->strings[want]),
			  "%s should require '%s'; it has %zu, '%.*s'", e->pattern,
			  e->strings[want], r.count, r.count ? (int)r.strings[0].length : 0,
			  r.count ? (const char *)r.strings[0].bytes : "");
	cr_assert(r.count == want, "%s requires %zu strings, want %zu", e->pattern, r.count, want);
	required_release(&r);
}

static void check_examples(const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_example(&examples[i]);
}

#define CHECK(...)                                                                                 \
	do {                                                                                       \
		static const struct example examples[] = {__VA_ARGS__};                            \
		check_examples(examples, sizeof(examples) / sizeof(*examples));                    \
	} while (0)

Test(required, strings_and_alternatives_are_found)
{
	CHECK({"foo|bar", {"foo", "bar"}}, {" 500 ", {" 500 "}}, {" 5\\d\\d ", {" 5"}},
	      {"a.*needle", {"needle"}}, {"(GET|POST) /api", {"GET /api", "POST /api"}},
	      {"user-(1|2)x", {"user-1x", "user-2x"}},
	      {"foo(bar|baz(1|2))qux", {"foobarqux", "foobaz1qux", "foobaz2qux"}},
	      {"^foo$", {"foo"}}, {"\\bfoo\\b", {"foo"}}, {"log|login|logout", {"log"}},
	      {"(?:a|b|a)", {"a", "b"}}, {"x{y", {"x{y"}}, {"a{x}", {"a{x}"}}, {"]}", {"]}"}});
}

Test(required, quantifiers_keep_only_what_must_be_there)
{
	CHECK({"aab?c", {"aa"}}, {"abcd*", {"abc"}}, {"abcd+", {"abcd"}}, {"xyz{2,}w", {"xyz"}},
	      {"abc{0,5}q", {"ab"}}, {"(foo)?bar", {"bar"}}, {"(foo)+", {"foo"}},
	      {"(foo){3}", {"foo"}}, {"(foo){0}bar", {"bar"}}, {"(foo)*", {NULL}},
	      {"a{2}{0}", {NULL}}, {"foo(bar)??", {"foo"}}, {"foo*+bar", {"bar"}}, {"", {NULL}},
	      {"foo|", {NULL}}, {"foo|.*", {NULL}}, {"(|foo)", {NULL}}, {"\\d+", {NULL}});
}

Test(required, escapes_and_classes_are_read)
{
	CHECK({"a\\.b\\/c", {"a.b/c"}}, {"a\\tb", {"a\tb"}}, {"\\x41\\x{42}", {"AB"}},
	      {"\\Qa.b*\\Ec", {"a.b*c"}}, {"\\Qaab\\E*c", {"aa"}}, {"x[.]y", {"x.y"}},
	      {"x[ab]y", {"xay", "xby"}}, {"[]]x", {"]x"}}, {"foo[^a]", {"foo"}},
	      {"foo[a-z]", {"foo"}}, {"foo[[:alpha:]]q", {"foo"}}, {"foo[\\]x]", {"foo]", "foox"}},
	      {"foo\\p{Lu}", {"foo"}}, {"foo\\pLq", {"foo"}}, {"foo\\xe9", {"foo"}},
	      {"foo\\1", {"foo"}}, {"caf\xc3\xa9", {"caf\xc3\xa9"}}, {"caf\xc3\xa9?", {"caf"}},
	      {"foo\\Kbar", {"foobar"}});
}

Test(required, letters_without_case_are_not_required)
{
	CHECK({"(?i)foo", {NULL}}, {"(?i)foo 500", {" 500"}}, {"(?i:foo)bar", {"bar"}},
	      {"(?-i)foo", {"foo"}}, {"a(?i)b|c", {NULL}}, {"(a(?i)b)ccc", {"ccc"}},
	      {"(?i)a(?-i)bb", {"bb"}}, {"(?i)(?^)foo", {"foo"}});
	struct required r;
	cr_assert_eq(required_from_pattern(&r, "foo", 3, true), 0);
	cr_assert_eq(r.count, 0);
}

Test(required, what_a_lookaround_says_is_not_required)
{
	CHECK({"foo(?!bar)", {"foo"}}, {"(?<!bar)foo", {"foo"}}, {"(?=longer)foo", {"foo"}},
	      {"(?!foo)", {NULL}}, {"(?<=x)y", {"y"}}, {"(?<name>foo)", {"foo"}},
	      {"(?P<name>foo)", {"foo"}}, {"(?'name'foo)", {"foo"}}, {"(?>foo)", {"foo"}},
	      {"(?|foo|bar)", {"foo", "bar"}});
}

Test(required, a_pattern_not_wholly_understood_requires_nothing)
{
	CHECK({"foo(*ACCEPT)bar", {NULL}}, {"(*UTF)foo", {NULL}}, {"(?x)f o o", {NULL}},
	      {"(foo)(?(1)bar|baz)", {NULL}}, {"foo(?1)(bar)", {NULL}}, {"foo(?R)?", {NULL}},
	      {"foo(?&n)(?<n>x)", {NULL}}, {"foo\\cA", {NULL}}, {"[\\E]ab]", {NULL}},
	      {"[\\Q\\E]ab]", {NULL}}, {"[\\c]]ab", {NULL}}, {"foo\\012", {NULL}},
	      {"foo\\12", {NULL}}, {"foo\\o{12}", {NULL}}, {"foo\\g1", {NULL}}, {"a\\E*", {NULL}},
	      {"foo(?#comment)*", {NULL}}, {"foo(?C1)", {NULL}}, {"foo{,3}", {NULL}},
	      {"foo)", {NULL}}, {"(foo", {NULL}}, {"[foo", {NULL}}, {"foo\\", {NULL}},
	      {"*foo", {NULL}}, {"foo\\N{U+41}", {NULL}}, {"[[.a.]]foo", {NULL}},
	      {"foo\\k<n>", {NULL}});
}

Test(required, a_second_string_is_told_when_it_is_worth_looking_for)
{
	struct required r;
	const char *pattern = "POST .*(login|logout)";
	cr_assert_eq(required_from_pattern(&r, pattern, strlen(pattern), false), 0);
	bool method_first = has(r.strings, r.count, "POST ") &&
			    has(r.also, r.also_count, "login") &&
			    has(r.also, r.also_count, "logout");
	bool paths_first = has(r.also, r.also_count, "POST ") && has(r.strings, r.count, "login") &&
			   has(r.strings, r.count, "logout");
	cr_assert(method_first || paths_first);
	required_release(&r);

	cr_assert_eq(required_from_pattern(&r, "foobar.*foo", 11, false), 0);
	cr_assert_eq(r.also_count, 0, "foo is in foobar");
	required_release(&r);
	cr_assert_eq(required_from_pattern(&r, "foobar.* ", 9, false), 0);
	cr_assert_eq(r.also_count, 0, "a space is in every line");
	required_release(&r);
}

Test(required, what_is_given_is_bounded)
{
	char pattern[4000];
	struct required r;
	memset(pattern, 'x', sizeof(pattern));
	cr_assert_eq(required_from_pattern(&r, pattern, sizeof(pattern), false), 0);
	cr_assert(r.count == 1 && r.strings[0].length <= REQUIRED_STRING_BYTES_MAX);
	required_release(&r);

	size_t length = 0; /* 2^20 strings, were they multiplied out */
	for (int i = 0; i < 20; i++)
		length +=
		    (size_t)snprintf(pattern + length, sizeof(pattern) - length, "(%da|%db)", i, i);
	cr_assert_eq(required_from_pattern(&r, pattern, length, false), 0);
	cr_assert(r.count > 0 && r.count <= REQUIRED_STRINGS_MAX);
	required_release(&r);

	memset(pattern, '(', 2000);
	memset(pattern + 2000, ')', 2000);
	cr_assert_eq(required_from_pattern(&r, pattern, sizeof(pattern), false), 0);
	cr_assert_eq(r.count, 0);
}

/* --- against PCRE2 --- */

struct tally {
	size_t compiled, known, matched;
};

static bool holds_one(const uint8_t *subject, size_t length, const struct literal_bytes *strings,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memmem(subject, length, strings[i].bytes, strings[i].length))
			return true;
	return count == 0;
}

static void compare(const char *pattern, size_t length, uint32_t options, uint64_t *seed,
		    struct tally *t)
{
	int error;
	PCRE2_SIZE offset;
	pcre2_code *code =
	    pcre2_compile((PCRE2_SPTR)pattern, length, options, &error, &offset, NULL);
	if (!code)
		return;
	struct required r;
	cr_assert_eq(required_from_pattern(&r, pattern, length, false), 0);
	t->compiled++;
	t->known += r.count > 0;
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	cr_assert(match && context);
	pcre2_set_match_limit(context, 10000);
	for (int i = 0; i < 40 && r.count > 0; i++) {
		uint8_t subject[24];
		size_t n = dice_below(seed, sizeof(subject));
		dice_fill(seed, subject, n, "aaaabbbbABx1-{}2, \n:");
		if (pcre2_match(code, subject, n, 0, 0, match, context) < 0)
			continue;
		t->matched++;
		cr_assert(holds_one(subject, n, r.strings, r.count) &&
			      holds_one(subject, n, r.also, r.also_count),
			  "'%.*s' (options %x) matches '%.*s', which does not hold what it is said "
			  "to require",
			  (int)length, pattern, options, (int)n, (const char *)subject);
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(match);
	pcre2_code_free(code);
	required_release(&r);
}

static void compare_both(const char *pattern, size_t length, uint64_t *seed, struct tally *t)
{
	compare(pattern, length, 0, seed, t);
	compare(pattern, length, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, seed, t);
}

static size_t join_pieces(char *pattern, size_t room, size_t count, uint64_t *seed)
{
	static const char *const pieces[] = {
	    "a",           "b",          "a",      "b",       "ab",        "ba",    "A",
	    "x",           "1",          "-",      ".",       "|",         "|",     "(",
	    ")",           "(",          ")",      "(?:",     ")",         "*",     "+",
	    "?",           "{2}",        "{0}",    "{1,}",    "{0,2}",     "{",     "}",
	    "{,2}",        "{2",         ",2}",    "[ab]",    "[^a]",      "[a-b]", "[]a]",
	    "[[:alpha:]]", "[",          "]",      "^",       "$",         "\\b",   "\\B",
	    "\\d",         "\\w",        "\\x61",  "\\x{62}", "\\Q",       "\\E",   "\\Qa*\\E",
	    "\\\\",        "\\-",        "(?i)",   "(?-i)",   "(?i:",      "(?x)",  "(?=",
	    "(?!",         "(?<=",       "(?<!",   "(?>",     "(?|",       "(?<n>", "(?#",
	    "(?1)",        "(?R)",       "\\1",    "\\K",     "(*ACCEPT)", "(?(1)", "\\cA",
	    "\\012",       "\\N",        "\\R",    "\\p{L}",  "\xc3\xa9",  "#",     " ",
	    "\\n",         "(?^)",       "(?s)",   "(?U)",    "\\G",       "\\Z",   "[\\Q]\\Eb]",
	    "[\\E]b]",     "[\\Q\\E]b]", "[\\c]]", "[\\]a]",  "[\\d1]",    "(?J)",  "??",
	};
	size_t length = 0;
	for (size_t i = 0; i < count; i++) {
		const char *piece = pieces[dice_below(seed, sizeof(pieces) / sizeof(*pieces))];
		if (length + strlen(piece) > room)
			break;
		memcpy(pattern + length, piece, strlen(piece));
		length += strlen(piece);
	}
	return length;
}

Test(required, whatever_pcre2_matches_holds_what_is_required)
{
	struct tally t = {0};
	uint64_t seed = 1;
	char pattern[128];
	for (int i = 0; i < 60000; i++) {
		size_t length =
		    join_pieces(pattern, sizeof(pattern), 1 + dice_below(&seed, 9), &seed);
		compare_both(pattern, length, &seed, &t);
	}
	cr_assert(t.known > 4000 && t.matched > 4000, "%zu compiled, %zu known, %zu matched",
		  t.compiled, t.known, t.matched);
}

Test(required, any_bytes_that_pcre2_takes_for_a_pattern_are_read_safely)
{
	struct tally t = {0};
	uint64_t seed = 2;
	uint8_t pattern[12];
	for (int i = 0; i < 60000; i++) {
		size_t length = 1 + dice_below(&seed, sizeof(pattern));
		dice_fill(&seed, pattern, length, "aabb()[]{}|*+?\\\\QEi:^$.-,<>=!P12x# &'CNKRdb");
		/* at the end of what can be read: the parser must not look beyond */
		compare_both((const char *)guarded_at_end(pattern, length), length, &seed, &t);
	}
	cr_assert(t.known > 2000 && t.matched > 1000, "%zu compiled, %zu known, %zu matched",
		  t.compiled, t.known, t.matched);
}
