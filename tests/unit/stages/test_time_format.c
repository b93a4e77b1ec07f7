#include "stages/time/time_format.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static int compiled(const char *text, size_t length, enum time_use use, size_t *ret_at,
		    const char **ret_why)
{
	struct time_format f;
	*ret_at = SIZE_MAX;
	*ret_why = "";
	return time_format_init(&f, text, length, use, ret_why, ret_at);
}

static void refused(const char *text, enum time_use use, size_t at, const char *why)
{
	size_t found;
	const char *said;
	cr_expect_eq(compiled(text, strlen(text), use, &found, &said), -EINVAL, "%s", text);
	cr_expect_eq(found, at, "%s: %zu", text, found);
	cr_expect(strstr(said, why), "%s: %s", text, said);
}

Test(time_format, every_name_and_conversion_compiles)
{
	static const char *const texts[] = {"rfc3339",       "iso8601",
					    "unix",          "unix_ms",
					    "unix_us",       "unix_ns",
					    "common_log",    "rfc3164",
					    "rfc2822",       "%Y-%m-%d %H:%M:%S.%f",
					    "%y%j %I%M%p",   "%e %B %k:%M",
					    "%d %h %l %p%z", "%A %a %F%n%T%t%Z",
					    "%D %r %:z",     "%s.%L",
					    "%s.%N",         "%b %d %R",
					    "%F%%",          "%s"};
	size_t at;
	const char *why;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t length = strlen(texts[i]);
		int r = compiled(texts[i], length, TIME_TO_READ, &at, &why);
		/* A day of the week is read as often as it is said. */
		if (strstr(texts[i], "%A %a"))
			cr_expect_eq(r, -EINVAL);
		else
			cr_expect_eq(r, 0, "%s: %s", texts[i], why);
		if (!strstr(texts[i], "%Z"))
			cr_expect_eq(compiled(texts[i], length, TIME_TO_WRITE, &at, &why), 0, "%s",
				     why);
	}
}

Test(time_format, mistakes_are_refused_where_they_stand)
{
	refused("", TIME_TO_READ, 0, "no such format");
	refused("rfc333", TIME_TO_READ, 0, "no such format");
	refused("RFC3339", TIME_TO_READ, 0, "no such format");
	refused("rfc3339%", TIME_TO_READ, 7, "single %");
	refused("%F %q", TIME_TO_READ, 3, "no such conversion");
	refused("%F %:q", TIME_TO_READ, 3, "no such conversion");
	refused("%F %:", TIME_TO_READ, 3, "no such conversion");
	refused("%F%Ey", TIME_TO_READ, 2, "no such conversion");
	refused("%c", TIME_TO_READ, 0, "locale");
	refused("%F %X", TIME_TO_WRITE, 3, "locale");
	refused("%F %V", TIME_TO_READ, 3, "not read");
	refused("%F %Z", TIME_TO_WRITE, 3, "not written");
	refused("%F %H:%M:%S %", TIME_TO_READ, 12, "single %");
	refused("%F \xff%\xff", TIME_TO_READ, 4, "no such conversion");
}

Test(time_format, nothing_is_read_twice)
{
	refused("%Y %F", TIME_TO_READ, 3, "one before it");
	refused("%F %y", TIME_TO_READ, 3, "one before it");
	refused("%F %b", TIME_TO_READ, 3, "one before it");
	refused("%F %H %I %p", TIME_TO_READ, 6, "one before it");
	refused("%F %T.%f%L", TIME_TO_READ, 8, "one before it");
	refused("%F %z %Z", TIME_TO_READ, 6, "one before it");
	refused("%s %s", TIME_TO_READ, 3, "one before it");
}

Test(time_format, nothing_is_left_open)
{
	refused("%H:%M:%S", TIME_TO_READ, 0, "no day");
	refused("%Y", TIME_TO_READ, 0, "no day");
	refused("%Y-%m", TIME_TO_READ, 0, "but not its day");
	refused("%Y %d", TIME_TO_READ, 0, "but not the month");
	refused("%F %I:%M", TIME_TO_READ, 0, "need %p");
	refused("%F %H:%M %p", TIME_TO_READ, 0, "from 1 to 12");
	refused("%F %M", TIME_TO_READ, 0, "no hours");
	refused("%F %H %S", TIME_TO_READ, 0, "no minutes");
	refused("%F %H:%M.%f", TIME_TO_READ, 0, "no seconds");
	refused("%F %j", TIME_TO_READ, 0, "day of the year");
	refused("%s %H", TIME_TO_READ, 0, "%s says all");
	refused("%s %z", TIME_TO_READ, 0, "%s says all");
}

Test(time_format, a_pattern_too_long_is_refused)
{
	char text[300] = "%F";
	size_t at;
	const char *why;
	memset(text + 2, ' ', sizeof text - 2);
	cr_expect_eq(compiled(text, TIME_STEPS_MAX - 5 + 2, TIME_TO_READ, &at, &why), 0, "%s", why);
	cr_expect_eq(compiled(text, TIME_STEPS_MAX - 5 + 3, TIME_TO_READ, &at, &why), -EINVAL);
	cr_expect_eq(at, TIME_STEPS_MAX - 5 + 2);
	cr_expect_eq(compiled(text, sizeof text, TIME_TO_READ, &at, &why), -EINVAL);
}
