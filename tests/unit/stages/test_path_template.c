#include "stages/path_template.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define WALL_NS 1795256100000000000 /* 2026-11-21T10:15:00Z, a Saturday */

static void formats(const char *text, const char *path, const char *base)
{
	struct path_template t;
	const char *why;
	size_t at;
	char out[256];
	cr_assert_eq(path_template_parse(&t, text, strlen(text), &why, &at), 0, "%s", text);
	cr_assert_eq(path_template_format(&t, WALL_NS, out, sizeof out), 0);
	cr_assert_str_eq(out, path);
	cr_assert_eq(t.varies, base != NULL);
	if (base) {
		cr_assert_eq(path_template_base(&t), strlen(base), "%s", text);
		cr_assert_eq(strncmp(out, base, strlen(base)), 0);
	}
}

static void refuses(const char *text, size_t length, size_t where)
{
	struct path_template t;
	const char *why = NULL;
	size_t at = 999;
	cr_assert_eq(path_template_parse(&t, text, length, &why, &at), -EINVAL, "%s", text);
	cr_assert_eq(at, where, "%s: %zu", text, at);
	cr_assert_not_null(why);
}

Test(path_template, conversions_are_filled_in_utc)
{
	formats("/srv/%Y-%m-%d/%H%M%S.log", "/srv/2026-11-21/101500.log", "/srv");
	formats("/srv/%F/%T_%j_%y", "/srv/2026-11-21/10:15:00_325_26", "/srv");
	formats("/srv/%G-W%V-%u", "/srv/2026-W47-6", "/srv");
}

Test(path_template, base_is_the_directory_before_the_first_conversion)
{
	formats("/%Y/x", "/2026/x", "/");
	formats("%Y/x", "2026/x", "");
	formats("logs-%Y", "logs-2026", "");
	formats("a/b/c-%Y/d/%m", "a/b/c-2026/d/11", "a/b");
	formats("/a/100%%/b%d", "/a/100%/b21", "/a/100%");
}

Test(path_template, path_without_conversions_does_not_vary)
{
	formats("/srv/archive.log", "/srv/archive.log", NULL);
	formats("/srv/100%%", "/srv/100%", NULL);
	formats("../x", "../x", NULL);
}

Test(path_template, fields_stand_for_what_they_are_given)
{
	static const char text[] = "/srv/%%/%Y/{host}/x-{user.id}{b}.log";
	static const struct path_name names[] = {{"web"}, {"7"}, {"_missing"}};
	struct path_template t;
	const char *why;
	size_t at;
	char out[256];
	cr_assert_eq(path_template_parse(&t, text, sizeof text - 1, &why, &at), 0);
	cr_expect(t.varies && t.has_time);
	cr_assert_eq(t.field_count, 3);
	cr_expect(t.fields[1].length == 7 && memcmp(t.fields[1].name, "user.id", 7) == 0);
	cr_assert_eq(path_template_fill(&t, WALL_NS, names, out, sizeof out), 0);
	cr_expect_str_eq(out, "/srv/%/2026/web/x-7_missing.log");
	for (size_t room = 1; room <= strlen(out); room++) {
		char less[256];
		cr_expect_eq(path_template_fill(&t, WALL_NS, names, less, room), -ENAMETOOLONG);
	}
}

Test(path_template, base_is_the_directory_before_the_first_field)
{
	formats("/srv/a/{b}/c", "/srv/a/_missing/c", "/srv/a");
	formats("{b}", "_missing", "");
}

Test(path_template, mistakes_are_refused_where_they_stand)
{
	refuses("/srv/%Q", 7, 5);
	refuses("/srv/%", 6, 5);
	refuses("/srv/%Y/{host", 13, 8);
	refuses("/srv/%Y/host}", 13, 12);
	refuses("/srv/{}", 7, 5);
	refuses("/srv/{a..b}", 11, 5);
	refuses("/srv/{a/b}", 10, 5);
	refuses("/srv/{a}/../x", 13, 9);
	refuses("/srv/{a}//x", 11, 9);
	refuses("/srv/{a}-{b}-{c}", 16, 5);
	refuses("/{a}/{a}/{a}/{a}/{a}/{a}/{a}/{a}/{a}", 36, 33);
	refuses("/srv/%Y/../x", 12, 8);
	refuses("/srv/%Y/./x", 11, 8);
	refuses("/srv/%Y//x", 10, 8);
	refuses("/srv/", 5, 0);
	refuses("", 0, 0);
	refuses("/s\0v", 4, 2);
}

Test(path_template, path_that_does_not_fit_is_an_error)
{
	struct path_template t;
	const char *why;
	size_t at;
	char out[16];
	cr_assert_eq(path_template_parse(&t, "/a/%Y-%m-%d/b", 13, &why, &at), 0); /* 15 bytes */
	cr_assert_eq(path_template_format(&t, WALL_NS, out, 16), 0);
	cr_assert_str_eq(out, "/a/2026-11-21/b");
	for (size_t room = 1; room < 16; room++)
		cr_assert_eq(path_template_format(&t, WALL_NS, out, room), -ENAMETOOLONG);
}
