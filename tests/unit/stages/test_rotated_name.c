#include "stages/rotated_name.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define WALL_NS 1795256100999999999 /* the last moment of 2026-11-21T10:15:00Z */

static void names(const char *path, unsigned number, const char *expected)
{
	char out[128];
	cr_assert_eq(rotated_name(path, WALL_NS, number, out, sizeof out), 0);
	cr_assert_str_eq(out, expected);
}

Test(rotated_name, time_goes_before_the_whole_extension)
{
	names("archive.ndjson.zst", 0, "archive.20261121T101500Z.ndjson.zst");
	names("/srv/a.b/archive.log", 0, "/srv/a.b/archive.20261121T101500Z.log");
	names("/srv/a.b/archive", 0, "/srv/a.b/archive.20261121T101500Z");
	names("/srv/.hidden", 0, "/srv/.hidden.20261121T101500Z");
	names(".hidden.log", 7, ".hidden.20261121T101500Z_007.log");
	names("a.log", 999, "a.20261121T101500Z_999.log");
	names("a.log", 1000, "a.20261121T101500Z_999_001000.log");
}

Test(rotated_name, order_of_names_is_order_of_time)
{
	static const char *const paths[] = {"archive.log", "archive"};
	for (size_t i = 0; i < 2; i++) {
		char earlier[128] = "", name[128];
		for (unsigned number = 0; number <= ROTATED_NUMBER_MAX; number++) {
			cr_assert_eq(rotated_name(paths[i], WALL_NS, number, name, sizeof name), 0);
			cr_assert_lt(strcmp(earlier, name), 0, "%s %s", earlier, name);
			strcpy(earlier, name);
		}
		cr_assert_eq(rotated_name(paths[i], WALL_NS + 1, 0, name, sizeof name), 0);
		cr_assert_lt(strcmp(earlier, name), 0);
	}
}

Test(rotated_name, name_that_does_not_fit_is_an_error)
{
	char out[128];
	size_t length = strlen("archive.20261121T101500Z.log");
	cr_assert_eq(rotated_name("archive.log", WALL_NS, 0, out, length), -ENAMETOOLONG);
	cr_assert_eq(rotated_name("archive.log", WALL_NS, 0, out, length + 1), 0);
}

Test(rotated_name, original_is_what_it_was_made_of)
{
	static const char *const paths[] = {"/a/x.log", "/a.b/x.log.zst", "x",
					    ".x",       ".x.y",           "/a/.x"};
	static const unsigned numbers[] = {0, 1, 999, 1000, ROTATED_NUMBER_MAX};
	const int64_t second = INT64_C(1795256100) * 1000000000;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
			char name[128], original[128];
			int64_t when = 0;
			cr_assert_eq(
			    rotated_name(paths[i], second + 7, numbers[k], name, sizeof name), 0);
			cr_assert(rotated_name_original(name, original, sizeof original, &when),
				  "%s", name);
			cr_expect_str_eq(original, paths[i]);
			cr_expect_eq(when, second);
		}
	}
}

Test(rotated_name, no_other_name_has_an_original)
{
	static const char *const names[] = {
	    "x.log",
	    "x.20261121T101500Z_000.log",
	    "x.20261121T101500Z_1.log",
	    "x.20261121T101500Z_1000.log",
	    "x.20261121T101500Z_999_000999.log",
	    "x.20261121T101500Z_998_001000.log",
	    "x.20261121T101500Z_999_1.log",
	    "x.20261131T101500Z.log",
	    "x.20261121T241500Z.log",
	    "x.20261121T101560Z.log",
	    "x.99991121T101500Z.log",
	    "x.20261121T101500.log",
	    "x.20261121 101500Z.log",
	    "x.2026",
	    "x.20261121T101500Zlog",
	    "x.y.20261121T101500Z.log",
	    "x.",
	    "",
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char original[128];
		int64_t when;
		cr_expect_not(rotated_name_original(names[i], original, sizeof original, &when),
			      "%s: %s", names[i], original);
	}
}
