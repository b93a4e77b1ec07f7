#include "stages/glob.h"
#include "stages/glob_name.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

struct glob_case {
	const char *pattern, *path;
	bool matches;
};

static const struct glob_case cases[] = {
    {"/var/log/a.log", "/var/log/a.log", true},
    {"/var/log/a.log", "/var/log/a.log2", false},
    {"/var/log/a.log", "var/log/a.log", false},
    {"var/log/a.log", "/var/log/a.log", false},
    {"./a.log", "a.log", true},
    {"a//b.log", "a/b.log", true},
    {"*.log", "a.log", true},
    {"*.log", ".log", false},
    {"*.log", "a.logs", false},
    {"*.log", "d/a.log", false},
    {"*", "", false},
    {"a*b*c", "aXbXbXc", true},
    {"a*b*c", "aXbXbX", false},
    {"*aab", "aaaaab", true},
    {"a**b", "axyb", true},
    {"a**b", "ax/yb", false},
    {"?.log", "a.log", true},
    {"?.log", "\xC3\xA9.log", true},
    {"?.log", "ab.log", false},
    {"?.log", ".log", false},
    {"???", "\xE2\x82\xAC\xC3\xA9x", true},
    {"[a-c].log", "b.log", true},
    {"[a-c].log", "d.log", false},
    {"[!a-c].log", "d.log", true},
    {"[^a-c].log", "b.log", false},
    {"[]].log", "].log", true},
    {"[]a].log", "a.log", true},
    {"[!]].log", "].log", false},
    {"[a-].log", "-.log", true},
    {"[\\]].log", "].log", true},
    {"[*?].log", "*.log", true},
    {"[*?].log", "a.log", false},
    {"[{,}].log", ",.log", true},
    {"\\*.log", "*.log", true},
    {"\\*.log", "a.log", false},
    {"a\\b", "ab", true},
    {"\\{a,b\\}", "{a,b}", true},
    {"{a,b}.log", "b.log", true},
    {"{a,b}.log", "c.log", false},
    {"{a,b{1,2}}.log", "b2.log", true},
    {"{a,b{1,2}}.log", "b.log", false},
    {"{a,}.log", ".log", true},
    {"{a}.log", "a.log", true},
    {"{x/y,z}/*.log", "x/y/a.log", true},
    {"{x/y,z}/*.log", "z/a.log", true},
    {"{x/y,z}/*.log", "x/a.log", false},
    {"{a\\,b,c}", "a,b", true},
    {"/l/**/x.log", "/l/x.log", true},
    {"/l/**/x.log", "/l/a/x.log", true},
    {"/l/**/x.log", "/l/a/b/c/x.log", true},
    {"/l/**/x.log", "/l/a/b/c/y.log", false},
    {"/l/**/x.log", "/m/x.log", false},
    {"/l/**/b/**/*.log", "/l/b/x.log", true},
    {"/l/**/b/**/*.log", "/l/a/b/c/d/x.log", true},
    {"/l/**/b/**/*.log", "/l/a/c/d/x.log", false},
    {"/l/**", "/l/a", true},
    {"/l/**", "/l/a/b", true},
    {"/l/**", "/l", false},
    {"**/x", "a/b/x", true},
    {"**/x", "x", true},
    {"**/x", "/a/b/x", true},
    {"/l/**/**/x", "/l/a/x", true},
    {"/l/*", "/l/.hidden", false},
    {"/l/.*", "/l/.hidden", true},
    {"/l/\\.*", "/l/.hidden", true},
    {"/l/[.]hidden", "/l/.hidden", false},
    {"/l/?hidden", "/l/.hidden", false},
    {"/l/**/x", "/l/.git/x", false},
    {"/l/**/.x", "/l/a/.x", true},
    {"/l/*/x", "/l/.git/x", false},
    {"/l/\xFF*", "/l/\xFF\xFE", true},
};

static struct glob_set set_of(const char *pattern, unsigned flags)
{
	struct glob_set s;
	glob_set_init(&s);
	const char *why = NULL;
	int r = glob_set_add(&s, pattern, strlen(pattern), flags, &why);
	cr_assert_eq(r, 0, "%s: %s", pattern, why ? why : "?");
	return s;
}

Test(glob, table_of_patterns_and_paths_holds)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct glob_set s = set_of(cases[i].pattern, 0);
		cr_expect_eq(glob_set_matches(&s, cases[i].path), cases[i].matches, "%s against %s",
			     cases[i].pattern, cases[i].path);
		glob_set_release(&s);
	}
}

struct refusal {
	const char *pattern, *why;
};

static const struct refusal refusals[] = {
    {"", "is empty"},
    {"a[bc", "[ without ]"},
    {"a[", "[ without ]"},
    {"a[]", "[ without ]"},
    {"{a,b", "{ without }"},
    {"{a,{b,c}", "{ without }"},
    {"abc\\", "\\ at the end escapes nothing"},
    {"/", "names no file"},
    {"./.", "names no file"},
    {"{a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b,c,d}", "braces unfold to too many patterns"},
};

Test(glob, bad_pattern_is_refused_with_a_reason_and_leaves_the_set_as_it_was)
{
	struct glob_set s = set_of("kept", 0);
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		const char *p = refusals[i].pattern, *why = NULL;
		cr_expect_eq(glob_set_add(&s, p, strlen(p), 0, &why), -EINVAL, "%s", p);
		cr_expect_str_eq(why, refusals[i].why);
		cr_expect_eq(s.count, 1);
	}
	const char *why = NULL;
	cr_expect_eq(glob_set_add(&s, "a\0b", 3, 0, &why), -EINVAL);
	cr_expect_str_eq(why, "holds a NUL byte");
	glob_set_release(&s);
}

Test(glob, more_names_than_a_state_has_bits_are_refused)
{
	char pattern[4 * GLOB_PARTS_MAX];
	char *to = pattern;
	for (int i = 0; i < GLOB_PARTS_MAX; i++)
		to = stpcpy(to, i == GLOB_PARTS_MAX - 1 ? "a" : "a/");
	struct glob_set s = set_of(pattern, 0);
	cr_expect(glob_set_matches(&s, pattern));
	stpcpy(to, "/a");
	const char *why = NULL;
	cr_expect_eq(glob_set_add(&s, pattern, strlen(pattern), 0, &why), -EINVAL);
	glob_set_release(&s);
}

Test(glob, deeply_nested_braces_are_unfolded)
{
	char pattern[2002] = "";
	memset(pattern, '{', 1000);
	pattern[1000] = 'a';
	memset(pattern + 1001, '}', 1000);
	struct glob_set s = set_of(pattern, 0);
	cr_expect(glob_set_matches(&s, "a"));
	glob_set_release(&s);
}

Test(glob, many_stars_take_no_exponential_time)
{
	char name[4000];
	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	cr_expect_not(glob_name_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
}

Test(glob, base_and_literal_are_what_stands_before_the_first_wildcard)
{
	static const char *const table[][3] = {
	    {"/var/log/*.log", "/var/log", NULL},
	    {"/*", "/", NULL},
	    {"*.log", ".", NULL},
	    {"/var/x\\*y", "/var", "/var/x*y"},
	    {"a.log", ".", "a.log"},
	    {"/a", "/", "/a"},
	    {"a/./b/**", "a/b", NULL},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct glob_set s = set_of(table[i][0], 0);
		cr_expect_str_eq(s.globs[0].base, table[i][1]);
		if (table[i][2])
			cr_expect_str_eq(s.globs[0].literal, table[i][2]);
		else
			cr_expect_null(s.globs[0].literal);
		glob_set_release(&s);
	}
}

Test(glob, exclusion_without_a_slash_is_held_against_the_base_name)
{
	struct glob_set s = set_of("*.tmp", GLOB_DOTS);
	cr_expect(glob_set_excludes(&s, "/var/log/a.tmp"));
	cr_expect(glob_set_excludes(&s, "/var/log/.a.tmp"));
	cr_expect_not(glob_set_excludes(&s, "/var/log.tmp/a"));
	glob_set_release(&s);
	s = set_of("**/old/*", GLOB_DOTS);
	cr_expect(glob_set_excludes(&s, "/var/old/a.log"));
	cr_expect_not(glob_set_excludes(&s, "/var/old/b/a.log"));
	glob_set_release(&s);
}

Test(glob, state_tells_which_directories_are_worth_entering)
{
	struct glob_set s = set_of("/l/a*/**/x", 0);
	const struct glob *g = &s.globs[0];
	glob_state l = glob_at(g, "/l");
	cr_expect(glob_goes_on(g, l));
	cr_expect_not(glob_goes_on(g, glob_step(g, l, "b", false)));
	glob_state a = glob_step(g, l, "ab", true);
	cr_expect(glob_goes_on(g, a), "a link that a wildcard names is followed");
	cr_expect(glob_goes_on(g, glob_step(g, a, "deep", false)));
	cr_expect_not(glob_goes_on(g, glob_step(g, a, "link", true)), "** follows no links");
	cr_expect(glob_is_match(g, glob_step(g, a, "x", false)));
	cr_expect_eq(glob_at(g, "/m"), 0);
	glob_set_release(&s);
}
