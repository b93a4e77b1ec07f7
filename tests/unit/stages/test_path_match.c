#include "stages/path_match.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct path_template parsed(const char *text)
{
	struct path_template t;
	const char *why;
	size_t at;
	cr_assert_eq(path_template_parse(&t, text, strlen(text), &why, &at), 0);
	return t;
}

static bool matches(const char *text, const char *path)
{
	struct path_template t = parsed(text);
	return path_matches(&t, path);
}

static bool leads(const char *text, const char *path)
{
	struct path_template t = parsed(text);
	return path_leads_to_match(&t, path);
}

Test(path_match, what_the_template_makes_at_any_moment_matches)
{
	static const char *const texts[] = {
	    "/a/%Y-%m-%d/%H.log", "%F/%T",   "/a/%y%j.log", "/a/%G-W%V-%u",
	    "/%u/%V/%d",          "/x%%/%Y", "%M%S",        "/a/%G/%j/%m.%y",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct path_template t = parsed(texts[i]);
		for (int64_t second = -100000000; second < INT64_C(4000000000); second += 7654321) {
			char path[128];
			cr_assert_eq(
			    path_template_format(&t, second * 1000000000, path, sizeof path), 0);
			cr_assert(path_matches(&t, path), "%s: %s", texts[i], path);
		}
	}
}

Test(path_match, nothing_else_matches)
{
	cr_expect_not(matches("/a/%Y-%m-%d.log", "/a/2026-02-29.log"));
	cr_expect(matches("/a/%Y-%m-%d.log", "/a/2028-02-29.log"));
	cr_expect_not(matches("/a/%Y-%m-%d.log", "/a/2026-13-01.log"));
	cr_expect_not(matches("/a/%Y-%m-%d.log", "/a/2026-1-01.log"));
	cr_expect_not(matches("/a/%Y-%m-%d.log", "/a/2026-01-01.log.gz"));
	cr_expect_not(matches("/a/%Y-%m-%d.log", "/a/2026-01-01.lo"));
	cr_expect_not(matches("/a/%Y-%m-%d.log", "/a/2026-01-01"));
	cr_expect_not(matches("/a/%Y-%m-%d.log", "/b/2026-01-01.log"));
	cr_expect_not(matches("/a/%H.log", "/a/24.log"));
	cr_expect_not(matches("/a/%H.log", "/a/.log"));
	cr_expect_not(matches("/a/%u", "/a/0"));
	cr_expect_not(matches("/%Y/%F", "/2025/2026-01-01"), "a year is one year");
	cr_expect_not(matches("/%y/%Y", "/27/2026"));
	cr_expect_not(matches("/%F-%u", "/2026-11-21-1"), "that was a Saturday");
	cr_expect(matches("/%F-%u", "/2026-11-21-6"));
	cr_expect_not(matches("/%Y-%j", "/2026-366"));
	cr_expect_not(matches("/%G-%V", "/2025-53"));
	cr_expect(matches("/%G-%V", "/2026-53"));
}

Test(path_match, directory_on_the_way_leads_to_a_match)
{
	cr_expect(leads("/a/%Y/%m/x.log", "/a/2026"));
	cr_expect(leads("/a/%Y/%m/x.log", "/a/2026/11"));
	cr_expect_not(leads("/a/%Y/%m/x.log", "/a/2026/13"));
	cr_expect_not(leads("/a/%Y/%m/x.log", "/a/2026/1"));
	cr_expect_not(leads("/a/%Y/%m/x.log", "/a/20261"));
	cr_expect_not(leads("/a/%Y/%m/x.log", "/a/2026/11/x.log"));
	cr_expect_not(leads("/a/%Y/%m/x.log", "/b"));
}
