#include "tests/unit/stages/time_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AT(seconds) (INT64_C(seconds) * SECOND_NS)
#define MS INT64_C(1000000)

static const struct zone utc;

struct time_case {
	const char *format, *text;
	int64_t ns;
};

#define EXPECT(cases)                                                                              \
	for (size_t i = 0; i < sizeof(cases) / sizeof *(cases); i++)                               \
	cr_expect_eq(time_read((cases)[i].format, &utc, (cases)[i].text), (cases)[i].ns,           \
		     "%s of %s: %jd", (cases)[i].text, (cases)[i].format,                          \
		     (intmax_t)time_read((cases)[i].format, &utc, (cases)[i].text))

Test(time_parse, rfc3339_and_what_is_like_it)
{
	static const struct time_case cases[] = {
	    {"rfc3339", "2009-02-13T23:31:30Z", AT(1234567890)},
	    {"iso8601", "2009-02-13 23:31:30Z", AT(1234567890)},
	    {"rfc3339", "2009-02-13t23:31:30z", AT(1234567890)},
	    {"rfc3339", "2009-02-13T23:31:30", AT(1234567890)},
	    {"rfc3339", "2009-02-14T00:31:30+01:00", AT(1234567890)},
	    {"rfc3339", "2009-02-14T00:31:30+0100", AT(1234567890)},
	    {"rfc3339", "2009-02-14T00:31:30+01", AT(1234567890)},
	    {"rfc3339", "2009-02-13T14:01:30-09:30", AT(1234567890)},
	    {"rfc3339", "2009-02-13T23:31:30-00:00", AT(1234567890)},
	    {"rfc3339", "2009-02-13T23:31:30.5Z", AT(1234567890) + 500 * MS},
	    {"rfc3339", "2009-02-13T23:31:30,5Z", AT(1234567890) + 500 * MS},
	    {"rfc3339", "2009-02-13T23:31:30.000000001Z", AT(1234567890) + 1},
	    {"rfc3339", "2009-02-13T23:31:30.1234567899999Z", AT(1234567890) + 123456789},
	    {"rfc3339", "2009-02-13 23:31:30,123", AT(1234567890) + 123 * MS},
	    {"rfc3339", "1969-12-31T23:59:59.5Z", -500 * MS},
	    {"rfc3339", "2000-02-29T00:00:00Z", AT(951782400)},
	    {"rfc3339", "1900-02-29T00:00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-02-29T00:00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-13-01T00:00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-00-01T00:00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-01-00T00:00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-04-31T00:00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-01-01T24:00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:60:00Z", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00:61Z", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00:00+24:00", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00:00+01:60", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00:00+01:0", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00:00+1", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00:00.Z", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00:00.", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00:00ZZ", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00:00 Z", TIME_WRONG},
	    {"rfc3339", " 2023-01-01T00:00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-1-01T00:00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-01-01T00:00Z", TIME_WRONG},
	    {"rfc3339", "2023-01-01", TIME_WRONG},
	    {"rfc3339", "", TIME_WRONG},
	    {"rfc3339", "not a time at all, but long enough", TIME_WRONG},
	};
	EXPECT(cases);
}

Test(time_parse, what_64_bits_do_not_hold_is_out_of_range)
{
	static const struct time_case cases[] = {
	    {"rfc3339", "2262-04-11T23:47:16.854775807Z", INT64_MAX},
	    {"rfc3339", "2262-04-11T23:47:16.854775808Z", TIME_FAR},
	    {"rfc3339", "1677-09-21T00:12:43.145224193Z", INT64_MIN + 1},
	    {"rfc3339", "1677-09-21T00:12:43.145224192Z", INT64_MIN},
	    {"rfc3339", "1677-09-21T00:12:43.145224191Z", TIME_FAR},
	    {"rfc3339", "9999-12-31T23:59:59Z", TIME_FAR},
	    {"rfc3339", "0001-01-01T00:00:00Z", TIME_FAR},
	    {"rfc3339", "0000-02-29T00:00:00Z", TIME_FAR},
	    {"rfc3339", "9999-02-29T00:00:00Z", TIME_WRONG},
	    {"unix", "9223372036.854775807", INT64_MAX},
	    {"unix", "9223372036.854775808", TIME_FAR},
	    {"unix", "-9223372036.854775808", INT64_MIN},
	    {"unix", "-9223372036.854775809", TIME_FAR},
	    {"unix", "99999999999999999999999999999999999999999", TIME_FAR},
	    {"unix_ns", "18446744073709551615", TIME_FAR},
	    {"unix_ns", "18446744073709551616", TIME_FAR},
	    {"%s", "99999999999999999999999999999999999999999", TIME_FAR},
	    {"%s", "18446744073709551616", TIME_FAR},
	    {"%Y-%m-%d", "9999-12-31", TIME_FAR},
	};
	EXPECT(cases);
}

Test(time_parse, units_since_1970_are_exact)
{
	static const struct time_case cases[] = {
	    {"unix", "0", 0},
	    {"unix", "-0", 0},
	    {"unix", "1234567890", AT(1234567890)},
	    {"unix", "0001234567890", AT(1234567890)},
	    {"unix", "1234567890.123456789", AT(1234567890) + 123456789},
	    {"unix", "1234567890.1", AT(1234567890) + 100 * MS},
	    {"unix", "0.3", 300 * MS},
	    {"unix", "-1", -AT(1)},
	    {"unix", "-1.5", -1500 * MS},
	    {"unix", "-0.0000000019", -1},
	    {"unix_ms", "1234567890123", AT(1234567890) + 123 * MS},
	    {"unix_ms", "1234567890123.000001", AT(1234567890) + 123 * MS + 1},
	    {"unix_ms", "1234567890123.0000019", AT(1234567890) + 123 * MS + 1},
	    {"unix_us", "1234567890123456", AT(1234567890) + 123456000},
	    {"unix_us", "1.001", 1001},
	    {"unix_ns", "1234567890123456789", INT64_C(1234567890123456789)},
	    {"unix_ns", "-9223372036854775808", INT64_MIN},
	    {"unix_ns", "1.999999999", 1},
	    {"unix", "", TIME_WRONG},
	    {"unix", "-", TIME_WRONG},
	    {"unix", "+1", TIME_WRONG},
	    {"unix", "1.", TIME_WRONG},
	    {"unix", ".5", TIME_WRONG},
	    {"unix", "1.2.3", TIME_WRONG},
	    {"unix", "1e9", TIME_WRONG},
	    {"unix", " 1", TIME_WRONG},
	    {"unix", "1 ", TIME_WRONG},
	    {"unix", "0x10", TIME_WRONG},
	};
	EXPECT(cases);
}

Test(time_parse, names_of_formats_that_are_patterns)
{
	static const struct time_case cases[] = {
	    {"common_log", "10/Oct/2000:13:55:36 -0700", AT(971211336)},
	    {"common_log", "10/oct/2000:13:55:36 -07:00", AT(971211336)},
	    {"common_log", "10/Oct/2000:13:55:36", TIME_WRONG},
	    {"common_log", "[10/Oct/2000:13:55:36 -0700]", TIME_WRONG},
	    {"common_log", "31/Sep/2000:13:55:36 -0700", TIME_WRONG},
	    {"common_log", "10/Okt/2000:13:55:36 -0700", TIME_WRONG},
	    {"rfc3164", "Mar 30 22:14:15", AT(1711836855)},
	    {"rfc3164", "Mar  1 22:14:15", AT(1709331255)},
	    {"rfc3164", "Mar 01 22:14:15", AT(1709331255)},
	    {"rfc3164", "Mar 1 22:14:15", AT(1709331255)},
	    {"rfc3164", "Mar  01 22:14:15", TIME_WRONG},
	    {"rfc3164", "Feb 30 22:14:15", TIME_WRONG},
	    {"rfc3164", "Mar  0 22:14:15", TIME_WRONG},
	};
	EXPECT(cases);
}

Test(time_parse, rfc2822_with_its_obsolete_forms)
{
	static const struct time_case cases[] = {
	    {"rfc2822", "Tue, 10 Oct 2000 13:55:36 -0700", AT(971211336)},
	    {"rfc2822", "10 Oct 2000 13:55:36 -0700", AT(971211336)},
	    {"rfc2822", "Tue,10 Oct 2000 13:55:36 -0700 (PDT)", AT(971211336)},
	    {"rfc2822", "Tue, 10 Oct 2000 13:55:36 PDT", AT(971211336)},
	    {"rfc2822", "Tue, 10 Oct 00 13:55:36 PDT", AT(971211336)},
	    {"rfc2822", "Tue, 10 Oct 100 13:55:36 PDT", AT(971211336)},
	    {"rfc2822", "Tue, 10 Oct 2000 20:55:36 GMT", AT(971211336)},
	    {"rfc2822", "Tue, 10 Oct 2000 20:55:36 UT", AT(971211336)},
	    {"rfc2822", "Tue, 10 Oct 2000 20:55 UTC", AT(971211300)},
	    {"rfc2822", "Sat,  5 Feb 1994 00:00:00 +0000", AT(760406400)},
	    {"rfc2822", "5 Feb 94 00:00:00 +0000", AT(760406400)},
	    {"rfc2822", "Tue, 10 Oct 2000 13:55:36", TIME_WRONG},
	    {"rfc2822", "Tue 10 Oct 2000 13:55:36 -0700", TIME_WRONG},
	    {"rfc2822", "Tue, 32 Oct 2000 13:55:36 -0700", TIME_WRONG},
	    {"rfc2822", "Tue, 10 Oct 2000 13:55:36 -0700 (PDT", TIME_WRONG},
	    {"rfc2822", "Tue, 10 Oct 2000 13:55:36 -0700 PDT", TIME_WRONG},
	    {"rfc2822", "Tue, 10 Oct 2000 13:55:36 CEST", TIME_WRONG},
	    {"rfc2822", "Tue, 10 Oct 200013:55:36 -0700", TIME_WRONG},
	    {"rfc2822", "", TIME_WRONG},
	    {"rfc2822", "Tue", TIME_WRONG},
	};
	EXPECT(cases);
}

Test(time_parse, every_conversion_reads_what_it_says)
{
	static const struct time_case cases[] = {
	    {"%Y-%m-%d %H:%M:%S", "2009-02-13 23:31:30", AT(1234567890)},
	    {"%Y-%m-%d %H:%M:%S", "2009-2-13 23:31:30", AT(1234567890)},
	    {"%Y%m%d%H%M%S", "20090213233130", AT(1234567890)},
	    {"%Y%m%d%H%M%S%L", "20090213233130123", AT(1234567890) + 123 * MS},
	    {"%Y%m%d%H%M%S%N", "20090213233130000000007", AT(1234567890) + 7},
	    {"%F %T", "2009-02-13 23:31:30", AT(1234567890)},
	    {"%F %R", "2009-02-13 23:31", AT(1234567860)},
	    {"%F", "2009-02-13", AT(1234483200)},
	    {"%D %r", "02/13/09 11:31:30 PM", AT(1234567890)},
	    {"%D %r", "02/13/09 11:31:30 am", AT(1234524690)},
	    {"%D %l %p", "02/13/09 12 AM", AT(1234483200)},
	    {"%D %l %p", "02/13/09 12 PM", AT(1234526400)},
	    {"%D %l %p", "02/13/09  1 PM", AT(1234530000)},
	    {"%D %l %p", "02/13/09 13 PM", TIME_WRONG},
	    {"%D %l %p", "02/13/09 0 PM", TIME_WRONG},
	    {"%D %l %p", "02/13/09 1 XM", TIME_WRONG},
	    {"%y-%j", "69-001", -AT(31536000)},
	    {"%y-%j", "68-366", AT(3124137600)},
	    {"%Y-%j", "2023-366", TIME_WRONG},
	    {"%Y-%j", "2024-366", AT(1735603200)},
	    {"%Y-%j", "2024-60", AT(1709164800)},
	    {"%Y-%j", "2024-0", TIME_WRONG},
	    {"%Y-%j", "2024-1000", TIME_WRONG},
	    {"%A, %d %B %Y", "Friday, 13 February 2009", AT(1234483200)},
	    {"%A, %d %B %Y", "fri, 13 feb 2009", AT(1234483200)},
	    {"%a, %d %b %Y", "FRIDAY, 13 FEBRUARY 2009", AT(1234483200)},
	    {"%a, %d %b %Y", "Mon, 13 Feb 2009", AT(1234483200)},
	    {"%a, %d %b %Y", "Frid, 13 Feb 2009", TIME_WRONG},
	    {"%a %b %e %H:%M:%S %Y", "Fri Feb 13 23:31:30 2009", AT(1234567890)},
	    {"%a %b %e %k:%M:%S %Y", "Sun Feb  1  3:31:30 2009", AT(1233459090)},
	    {"%d %h %Y", "13 Feb 2009", AT(1234483200)},
	    {"%d %h %Y", "1 Mayo 2009", TIME_WRONG},
	    {"%d %h %Y", "1 May 2009", AT(1241136000)},
	    {"%F %T%z", "2009-02-14 00:31:30+01:00", AT(1234567890)},
	    {"%F %T %z", "2009-02-14 00:31:30 +01", AT(1234567890)},
	    {"%F %T %:z", "2009-02-14 00:31:30 +0100", AT(1234567890)},
	    {"%F %T %z", "2009-02-13 23:31:30 Z", AT(1234567890)},
	    {"%F %T %z", "2009-02-13 23:31:30 UTC", TIME_WRONG},
	    {"%F %T %Z", "2009-02-13 23:31:30 UTC", AT(1234567890)},
	    {"%F %T %Z", "2009-02-13 23:31:30 GMT", AT(1234567890)},
	    {"%F %T %Z", "2009-02-13 23:31:30 Z", AT(1234567890)},
	    {"%F %T %Z", "2009-02-13 23:31:30 CET", TIME_WRONG},
	    {"%F %T.%f", "2009-02-13 23:31:30.5", AT(1234567890) + 500 * MS},
	    {"%F %T,%f", "2009-02-13 23:31:30,123456789", AT(1234567890) + 123456789},
	    {"%F %T.%f", "2009-02-13 23:31:30.1234567891", AT(1234567890) + 123456789},
	    {"%F %T.%f", "2009-02-13 23:31:30.", TIME_WRONG},
	    {"%F %T.%L", "2009-02-13 23:31:30.123", AT(1234567890) + 123 * MS},
	    {"%F %T.%L", "2009-02-13 23:31:30.12", TIME_WRONG},
	    {"%F %T.%L", "2009-02-13 23:31:30.1234", TIME_WRONG},
	    {"%F %T.%N", "2009-02-13 23:31:30.12345678", TIME_WRONG},
	    {"%s", "1234567890", AT(1234567890)},
	    {"%s", "-1", -AT(1)},
	    {"%s.%f", "-1.5", -1500 * MS},
	    {"%s.%L", "1234567890.123", AT(1234567890) + 123 * MS},
	    {"[%s]", "[x]", TIME_WRONG},
	    {"%F%n%T", "2009-02-13 \t\r\n23:31:30", AT(1234567890)},
	    {"%F%t%T", "2009-02-1323:31:30", AT(1234567890)},
	    {"%F %T", "2009-02-13  3:31:30", AT(1234495890)}, /* padded */
	    {"%F %T", "2009-02-13  23:31:30", TIME_WRONG},
	    {"%F %M:%H", "2009-02-13 31:23", AT(1234567860)},
	    {"%F %M:%H", "2009-02-13  31:23", TIME_WRONG},
	    {"100%% %F", "100% 2009-02-13", AT(1234483200)},
	    {"100%% %F", "100 2009-02-13", TIME_WRONG},
	    {"%F\xff", "2009-02-13\xff", AT(1234483200)},
	    {"%F ", "2009-02-13", TIME_WRONG},
	    {"%F", "2009-02-13 ", TIME_WRONG},
	    {"%Y-%m-%d", "12009-02-13", TIME_WRONG},
	    {"%Y-%m-%d", "209-02-13", TIME_WRONG},
	    {"%F %T", "2009-02-13 24:00:00", TIME_WRONG},
	    {"%F %T", "2009-02-13 23:60:00", TIME_WRONG},
	    {"%Y %d %H %m", "2009 13 23 2", AT(1234566000)},
	    {"%Y %d %H %m", "2009 31 23 2", TIME_WRONG},
	    {"%Y %d %H %m", "2009 31 23 13", TIME_WRONG},
	};
	EXPECT(cases);
}

Test(time_parse, second_60_is_only_where_utc_has_one)
{
	static const struct time_case cases[] = {
	    {"rfc3339", "2016-12-31T23:59:60Z", AT(1483228800)},
	    {"rfc3339", "2016-12-31T23:59:60.5Z", AT(1483228800) + 500 * MS},
	    {"rfc3339", "2017-01-01T05:29:60+05:30", AT(1483228800)},
	    {"rfc3339", "2016-12-31T18:59:60-05:00", AT(1483228800)},
	    {"rfc3339", "2016-12-31T23:58:60Z", TIME_WRONG},
	    {"rfc3339", "2017-01-01T00:59:60Z", TIME_WRONG},
	    {"rfc3339", "1969-12-31T23:59:60Z", 0},
	    {"%F %T", "2016-12-31 23:59:60", AT(1483228800)},
	    {"%F %T", "2016-12-31 23:59:61", TIME_WRONG},
	    {"rfc3164", "Mar 30 23:59:60", AT(1711843200)},
	};
	EXPECT(cases);
}

Test(time_parse, a_missing_year_is_the_last_one_that_is_not_a_day_ahead)
{
	static const struct {
		const char *now, *text, *moment;
	} cases[] = {
	    {"2024-01-01T00:00:01Z", "Dec 31 23:59:59", "2023-12-31T23:59:59Z"},
	    {"2023-12-31T23:59:59Z", "Jan  1 00:00:01", "2024-01-01T00:00:01Z"},
	    {"2023-12-31T00:00:02Z", "Jan  1 00:00:01", "2024-01-01T00:00:01Z"},
	    {"2023-12-31T00:00:00Z", "Jan  1 00:00:01", "2023-01-01T00:00:01Z"},
	    {"2024-06-15T12:00:00Z", "Jun 15 12:00:00", "2024-06-15T12:00:00Z"},
	    {"2024-06-15T12:00:00Z", "Jun 16 12:00:00", "2024-06-16T12:00:00Z"},
	    {"2024-06-15T12:00:00Z", "Jun 16 12:00:01", "2023-06-16T12:00:01Z"},
	    {"2024-06-15T12:00:00Z", "Jan  1 00:00:00", "2024-01-01T00:00:00Z"},
	    {"2024-02-28T12:00:00Z", "Feb 29 00:00:00", "2024-02-29T00:00:00Z"},
	    {"2024-02-01T12:00:00Z", "Feb 29 00:00:00", "2020-02-29T00:00:00Z"},
	    {"2023-06-15T12:00:00Z", "Feb 29 00:00:00", "2020-02-29T00:00:00Z"},
	    {"2103-12-31T00:00:00Z", "Feb 29 00:00:00", "2096-02-29T00:00:00Z"},
	    {"2104-02-01T00:00:00Z", "Feb 29 00:00:00", "2096-02-29T00:00:00Z"},
	    {"1970-01-01T00:00:00Z", "Dec 31 00:00:00", "1969-12-31T00:00:00Z"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(time_read_at("rfc3164", &utc, cases[i].text,
					  time_read("rfc3339", &utc, cases[i].now)),
			     time_read("rfc3339", &utc, cases[i].moment), "%s: %s", cases[i].now,
			     cases[i].text);
	int64_t now = time_read("rfc3339", &utc, "2024-12-31T12:00:00Z");
	cr_expect_eq(time_read_at("%j", &utc, "366", now), AT(1735603200));
	cr_expect_eq(time_read_at("%j %z", &utc, "1 Z", now), AT(1735689600));
	/* At the ends of what can be told there may be no such year. */
	cr_expect_eq(time_read_at("%j", &utc, "1", INT64_MIN), TIME_WRONG);
	cr_expect_eq(time_read_at("%j", &utc, "1", INT64_MAX), AT(9214646400));
}

Test(time_parse, a_cache_never_changes_what_is_found)
{
	static const char *const texts[] = {
	    "10/Oct/2000:13:55:36 -0700",
	    "10/Oct/2000:13:55:37 -0700",
	    "1/Oct/2000:13:55:37 -0700",
	    "11/Oct/2000:13:55:37 -0700",
	    "31/Feb/2000:13:55:37 -0700",
	    "11/Oct/2000:13:55:37 -0700",
	    "11/Oct/2000",
	    "11/Oct/2000:",
	    "",
	    "11/October/2000:00:00:00 Z",
	    "11/Oct/2000:25:00:00 Z",
	    "10/Oct/2000:13:55:36 +0000",
	};
	struct time_format f = time_format_of("common_log", TIME_TO_READ);
	struct time_cache cache = {0};
	for (size_t i = 0; i < 10 * sizeof texts / sizeof *texts; i++) {
		const char *text = texts[i * 7 % (sizeof texts / sizeof *texts)];
		int64_t ns = 0, want = time_read("common_log", &utc, text);
		int r = time_parse(&f, &utc, &cache, 0, (const uint8_t *)text, strlen(text), &ns);
		cr_assert_eq(r == 0 ? ns : TIME_WRONG, want, "%s", text);
	}
}

Test(time_parse, a_text_of_100_megabytes_is_refused_or_read)
{
	const size_t length = 100 << 20;
	uint8_t *text = malloc(length);
	static const char *const formats[] = {"rfc3339", "unix", "rfc2822", "common_log",
					      "%F%n%T",  "%s",   "%F %T.%f"};
	struct time_cache cache = {0};
	int64_t ns;
	cr_assert_not_null(text);
	memset(text, '0', length);
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct time_format f = time_format_of(formats[i], TIME_TO_READ);
		int r = time_parse(&f, &utc, &cache, 0, text, length, &ns);
		bool number = strcmp(formats[i], "unix") == 0 || strcmp(formats[i], "%s") == 0;
		cr_expect_eq(r, number ? 0 : -EINVAL, "%s", formats[i]);
	}
	memcpy(text, "2000-01-01T00:00:00.", 20);
	struct time_format f = time_format_of("rfc3339", TIME_TO_READ);
	cr_expect_eq(time_parse(&f, &utc, &cache, 0, text, length, &ns), 0);
	cr_expect_eq(ns, AT(946684800));
	free(text);
}

Test(time_parse, strict_is_rfc3339_to_the_letter)
{
	static const char *const wrong[] = {
	    "2009-02-13 23:31:30Z",      "2009-02-13t23:31:30Z",     "2009-02-13T23:31:30z",
	    "2009-02-13T23:31:30",       "2009-02-13T23:31:30+0100", "2009-02-13T23:31:30+01",
	    "2009-02-13T23:31:30,5Z",    "2016-12-31T23:59:60Z",     "2009-02-13T23:31:30.Z",
	    "2009-02-13T23:31:30+01:00Z"};
	int64_t ns = 7;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		cr_expect_eq(time_parse_strict((const uint8_t *)wrong[i], strlen(wrong[i]), &ns),
			     -EINVAL, "%s", wrong[i]);
	cr_expect_eq(ns, 7);
	cr_expect_eq(time_parse_strict((const uint8_t *)"2009-02-14T00:31:30.5+01:00", 27, &ns), 0);
	cr_expect_eq(ns, AT(1234567890) + 500 * MS);
}
