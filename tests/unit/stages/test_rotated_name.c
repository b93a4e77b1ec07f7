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
