#include "tests/unit/stages/time_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MOMENT INT64_C(1234567890123456789) /* 2009-02-13T23:31:30.123456789Z, a Friday */
#define SECONDS (INT64_C(1234567890) * SECOND_NS)

static const struct zone utc, ahead = {.before_s = 5 * 3600 + 2700}, behind = {.before_s = -34200};

Test(time_write, rfc3339_has_as_few_digits_as_say_all)
{
	cr_expect_str_eq(time_text("rfc3339", &utc, SECONDS), "2009-02-13T23:31:30Z");
	cr_expect_str_eq(time_text("rfc3339", &utc, SECONDS + 500000000),
			 "2009-02-13T23:31:30.500Z");
	cr_expect_str_eq(time_text("rfc3339", &utc, SECONDS + 1000), "2009-02-13T23:31:30.000001Z");
	cr_expect_str_eq(time_text("iso8601", &utc, MOMENT), "2009-02-13T23:31:30.123456789Z");
	cr_expect_str_eq(time_text("rfc3339", &ahead, SECONDS), "2009-02-14T05:16:30+05:45");
	cr_expect_str_eq(time_text("rfc3339", &behind, SECONDS), "2009-02-13T14:01:30-09:30");
	cr_expect_str_eq(time_text("rfc3339", &utc, -1), "1969-12-31T23:59:59.999999999Z");
	cr_expect_str_eq(time_text("rfc3339", &utc, INT64_MIN), "1677-09-21T00:12:43.145224192Z");
	cr_expect_str_eq(time_text("rfc3339", &utc, INT64_MAX), "2262-04-11T23:47:16.854775807Z");
	char text[TIME_RFC3339_MAX];
	cr_expect_eq(time_write_rfc3339(MOMENT, text), 30);
	cr_expect_eq(memcmp(text, "2009-02-13T23:31:30.123456789Z", 30), 0);
}

/* RFC 3339 has no seconds in an offset. */
Test(time_write, rfc3339_says_the_moment_where_clocks_were_off_by_seconds)
{
	const struct zone berlin = {.before_s = 3208}, half = {.before_s = -20};
	cr_expect_str_eq(time_text("rfc3339", &berlin, 0), "1970-01-01T00:53:00+00:53");
	cr_expect_str_eq(time_text("%T", &berlin, 0), "00:53:28");
	cr_expect_str_eq(time_text("rfc3339", &half, 0), "1970-01-01T00:00:00Z");
	cr_expect_str_eq(time_text("%T %z", &half, 0), "23:59:40 +0000");
}

Test(time_write, units_since_1970_are_rounded_down)
{
	cr_expect_str_eq(time_text("unix", &ahead, MOMENT), "1234567890");
	cr_expect_str_eq(time_text("unix_ms", &utc, MOMENT), "1234567890123");
	cr_expect_str_eq(time_text("unix_us", &utc, MOMENT), "1234567890123456");
	cr_expect_str_eq(time_text("unix_ns", &utc, MOMENT), "1234567890123456789");
	cr_expect_str_eq(time_text("unix", &utc, -1), "-1");
	cr_expect_str_eq(time_text("unix_ns", &utc, INT64_MIN), "-9223372036854775808");
	cr_expect_str_eq(time_text("unix", &utc, 0), "0");
	cr_expect_str_eq(time_text("%s.%N", &utc, -1), "-1.999999999");
}

Test(time_write, every_conversion_writes_what_it_says)
{
	static const struct {
		const char *pattern, *text;
	} cases[] = {
	    {"%Y %y %m %d %e %j", "2009 09 02 13 13 044"},
	    {"%b %h %B %a %A", "Feb Feb February Fri Friday"},
	    {"%H %k %I %l %p %M %S", "23 23 11 11 PM 31 30"},
	    {"%f %L %N", "123456 123 123456789"},
	    {"%z %:z %s", "+0000 +00:00 1234567890"},
	    {"%G %V %u %w", "2009 07 5 5"},
	    {"%T|%D|%F|%R|%r", "23:31:30|02/13/09|2009-02-13|23:31|11:31:30 PM"},
	    {"%n%t%%", "\n\t%"},
	    {"common_log", "13/Feb/2009:23:31:30 +0000"},
	    {"rfc3164", "Feb 13 23:31:30"},
	    {"rfc2822", "Fri, 13 Feb 2009 23:31:30 +0000"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_str_eq(time_text(cases[i].pattern, &utc, MOMENT), cases[i].text);
	cr_expect_str_eq(time_text("%e %k %l %p %u %w", &utc, 3 * 86400 * SECOND_NS),
			 " 4  0 12 AM 7 0");
	cr_expect_str_eq(time_text("%I %p", &utc, 12 * 3600 * SECOND_NS), "12 PM");
	cr_expect_str_eq(time_text("%z %:z", &behind, 0), "-0930 -09:30");
	cr_expect_str_eq(time_text("%G-W%V", &utc, INT64_C(1609459200) * SECOND_NS), "2020-W53");
}

Test(time_write, what_is_written_is_read_as_the_same_moment)
{
	static const char *const formats[] = {"rfc3339",
					      "unix_ns",
					      "%F %T.%N",
					      "%d/%b/%Y:%H:%M:%S.%N %z",
					      "%A %e %B %Y %r.%N %:z",
					      "%Y%j%H%M%S%N",
					      "%s.%N"};
	const struct zone *zones[] = {&utc, &ahead, &behind};
	srand(1);
	for (unsigned i = 0; i < 30000; i++) {
		const char *format = formats[i % (sizeof formats / sizeof *formats)];
		const struct zone *z = zones[i % 3];
		uint64_t bits = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
		int64_t ns = (int64_t)(bits << 1) >> (i % 40 ? 1 : 0);
		/* A fraction after a number below 0 is read as part of it. */
		if (strcmp(format, "%s.%N") == 0)
			ns = ns < 0 ? -(ns + 1) : ns;
		cr_assert_eq(time_read(format, z, time_text(format, z, ns)), ns, "%s of %s", format,
			     time_text(format, z, ns));
	}
}
