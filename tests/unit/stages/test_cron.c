/* Moments that come back: stages/time/cron. */
#include "stages/time/cron.h"
#include "tests/unit/stages/time_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct zone utc;

static struct cron cron_of(const char *text)
{
	struct cron c;
	const char *wrong;
	size_t at;
	cr_assert_eq(cron_parse(&c, text, strlen(text), &wrong, &at), 0, "%s: %s", text, wrong);
	return c;
}

static int64_t second_of(const char *text)
{
	int64_t ns = time_read("%Y-%m-%d %H:%M:%S", &utc, text);
	cr_assert_neq(ns, TIME_WRONG, "%s", text);
	return ns / SECOND_NS;
}

/* The next ones after a moment, in UTC, as "MM-DD hh:mm MM-DD hh:mm ". */
static const char *next_of(const char *text, const struct zone *z, const char *after, int count)
{
	static char shown[1024];
	struct cron c = cron_of(text);
	int64_t s = second_of(after);
	shown[0] = '\0';
	for (int i = 0; i < count; i++) {
		s = cron_next(&c, z, s);
		if (s == INT64_MAX)
			return strcat(shown, "never ");
		strcat(strcat(shown, time_text("%m-%d %H:%M", &utc, s * SECOND_NS)), " ");
	}
	return shown;
}

#define expect_next(text, zone, after, expected)                                                   \
	do {                                                                                       \
		int expected_count = 0;                                                            \
		for (const char *at = expected; *at; at++)                                         \
			expected_count += *at == ':' || *at == 'n';                                \
		const char *got = next_of(text, zone, after, expected_count);                      \
		cr_expect_str_eq(got, expected, "%s after %s: %s", text, after, got);              \
	} while (0)

Test(cron, fields_say_when)
{
	static const char *const after = "2026-11-22 10:07:00"; /* a Sunday */
	expect_next("* * * * *", &utc, after, "11-22 10:08 11-22 10:09 ");
	expect_next("*/5 * * * *", &utc, after, "11-22 10:10 11-22 10:15 ");
	expect_next("7 * * * *", &utc, after, "11-22 11:07 ");
	expect_next("10,5,20-30/5 10 * * *", &utc, after,
		    "11-22 10:10 11-22 10:20 11-22 10:25 11-22 10:30 11-23 10:05 ");
	expect_next("50/4 0 * * *", &utc, after, "11-23 00:50 11-23 00:54 11-23 00:58 ");
	expect_next("0 0 1 * *", &utc, after, "12-01 00:00 01-01 00:00 02-01 00:00 ");
	expect_next("0 12 31 * *", &utc, after, "12-31 12:00 01-31 12:00 03-31 12:00 ");
	expect_next("0 0 * FEB,aug *", &utc, after, "02-01 00:00 02-02 00:00 ");
	expect_next("0 9 * * mon-fri", &utc, after, "11-23 09:00 11-24 09:00 ");
	expect_next("0 9 * * sat-sun", &utc, after, "11-28 09:00 11-29 09:00 ");
	expect_next("0 9 * * 5-7", &utc, after, "11-27 09:00 11-28 09:00 11-29 09:00 12-04 09:00 ");
	expect_next("0 9 * * 7", &utc, after, "11-29 09:00 ");
	expect_next("0 9 * * Sunday", &utc, after, "11-29 09:00 ");
	expect_next(" 59\t23  31 12 * ", &utc, after, "12-31 23:59 12-31 23:59 ");
}

Test(cron, either_day_will_do_where_both_are_named)
{
	static const char *const after = "2026-11-12 23:59:00"; /* the 13th is a Friday */
	expect_next("0 0 13 * fri", &utc, after,
		    "11-13 00:00 11-20 00:00 11-27 00:00 12-04 00:00 "
		    "12-11 00:00 12-13 00:00 ");
	expect_next("0 0 */13 * fri", &utc, after, "11-27 00:00 01-01 00:00 ");
	expect_next("0 0 13 * *", &utc, after, "11-13 00:00 12-13 00:00 ");
	expect_next("0 0 * * fri", &utc, after, "11-13 00:00 11-20 00:00 ");
}

Test(cron, nicknames_stand_for_fields)
{
	static const char *const after = "2026-11-22 10:07:00";
	expect_next("@hourly", &utc, after, "11-22 11:00 11-22 12:00 ");
	expect_next("@daily", &utc, after, "11-23 00:00 11-24 00:00 ");
	expect_next("@midnight", &utc, after, "11-23 00:00 ");
	expect_next("@weekly", &utc, after, "11-29 00:00 ");
	expect_next("@monthly", &utc, after, "12-01 00:00 ");
	expect_next("@yearly", &utc, after, "01-01 00:00 ");
	expect_next("@annually", &utc, after, "01-01 00:00 ");
}

Test(cron, a_leap_day_is_waited_for)
{
	expect_next("0 0 29 2 *", &utc, "2024-02-29 00:00:00", "02-29 00:00 ");
	struct cron c = cron_of("0 0 29 2 *");
	int64_t s = cron_next(&c, &utc, second_of("2096-03-01 00:00:00"));
	cr_expect_eq(s, second_of("2104-02-29 00:00:00"), "2100 is no leap year");
	c = cron_of("0 0 29 2 */7"); /* on a Sunday */
	s = cron_next(&c, &utc, second_of("2004-03-01 00:00:00"));
	cr_expect_eq(s, second_of("2032-02-29 00:00:00"));
}

Test(cron, times_before_1970_and_in_mid_minute_are_counted_too)
{
	expect_next("*/30 * * * *", &utc, "1969-12-31 23:29:59", "12-31 23:30 01-01 00:00 ");
	expect_next("* * * * *", &utc, "1969-12-31 23:58:30", "12-31 23:59 01-01 00:00 ");
}

Test(cron, what_is_wrong_is_told_where_it_stands)
{
	static const struct {
		const char *text;
		size_t at;
		const char *wrong;
	} cases[] = {
	    {"", 0, "five fields: minute, hour, day, month, day of the week"},
	    {"* * * *", 7, "five fields: minute, hour, day, month, day of the week"},
	    {"* * * * * *", 10, "more than five fields"},
	    {"60 * * * *", 0, "no minute: 0 to 59"},
	    {"* 24 * * *", 2, "no hour: 0 to 23"},
	    {"* * 0 * *", 4, "no day of a month: 1 to 31"},
	    {"* * * 13 *", 6, "no month: 1 to 12, jan to dec"},
	    {"* * * foo *", 6, "no month: 1 to 12, jan to dec"},
	    {"* * * * 8", 8, "no day of the week: 0 to 7, sun to sat"},
	    {"* * * * mond", 11, "no day of the week: 0 to 7, sun to sat"},
	    {"5-1 * * * *", 2, "a range that ends before it begins"},
	    {"*/0 * * * *", 2, "no step: a number from 1 on"},
	    {"*/ * * * *", 2, "no step: a number from 1 on"},
	    {"1, * * * *", 2, "no minute: 0 to 59"},
	    {"+1 * * * *", 0, "no minute: 0 to 59"},
	    {"1.5 * * * *", 1, "no minute: 0 to 59"},
	    {"** * * * *", 1, "no minute: 0 to 59"},
	    {"99999999999999999999 * * * *", 3, "no minute: 0 to 59"},
	    {"@reboot", 0, "one of @hourly, @daily, @weekly, @monthly and @yearly, or five fields"},
	    {"0 0 30 feb *", 12, "a day that never comes"},
	    {"0 0 31 4,6,9,11 *", 17, "a day that never comes"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cron c;
		const char *wrong = NULL;
		size_t at = 99;
		cr_expect_eq(cron_parse(&c, cases[i].text, strlen(cases[i].text), &wrong, &at),
			     -EINVAL, "%s", cases[i].text);
		cr_expect_eq(at, cases[i].at, "%s: at %zu", cases[i].text, at);
		cr_expect_str_eq(wrong ? wrong : "", cases[i].wrong, "%s", cases[i].text);
	}
}

/* Europe/Berlin in 2024: 02:00 becomes 03:00 on March 31 at 01:00Z, 03:00 becomes 02:00 on October 27 at 01:00Z. */
static struct zone berlin(void)
{
	static const struct tzif_change changes[] = {{INT64_C(1711846800), 7200},
						     {INT64_C(1729990800), 3600}};
	uint8_t bytes[TZIF_ROOM];
	struct zone z;
	size_t length = tzif_make(bytes, 3600, changes, 2, "CET-1CEST,M3.5.0,M10.5.0/3");
	cr_assert_eq(zone_init(&z, bytes, length), 0);
	return z;
}

Test(cron, a_time_that_clocks_skip_comes_as_long_after_the_change)
{
	struct zone z = berlin();
	static const char *const before = "2024-03-30 12:00:00";
	expect_next("30 2 * * *", &z, before, "03-31 01:30 04-01 00:30 04-02 00:30 ");
	expect_next("0 2 31 3 *", &z, before, "03-31 01:00 03-31 00:00 ");
	expect_next("0,30 2-3 * * *", &z, before,
		    "03-31 01:00 03-31 01:30 04-01 00:00 04-01 00:30 04-01 01:00 ");
	expect_next("0 1 * * *", &z, before, "03-31 00:00 03-31 23:00 ");
	zone_release(&z);
}

Test(cron, a_time_that_clocks_show_twice_comes_once)
{
	struct zone z = berlin();
	static const char *const before = "2024-10-26 12:00:00";
	expect_next("30 2 * * *", &z, before, "10-27 00:30 10-28 01:30 ");
	expect_next("0 3 * * *", &z, before, "10-27 02:00 10-28 02:00 ");
	expect_next("*/20 2 * * *", &z, before, "10-27 00:00 10-27 00:20 10-27 00:40 10-28 01:00 ");
	zone_release(&z);
}

Test(cron, what_comes_every_hour_comes_by_the_moments_that_pass)
{
	struct zone z = berlin();
	expect_next("30 * * * *", &z, "2024-03-30 23:45:00",
		    "03-31 00:30 03-31 01:30 03-31 02:30 ");
	expect_next("30 * * * *", &z, "2024-10-26 23:45:00",
		    "10-27 00:30 10-27 01:30 10-27 02:30 ");
	expect_next("*/30 */2 * * *", &z, "2024-10-26 23:45:00",
		    "10-27 00:00 10-27 00:30 10-27 01:00 10-27 01:30 10-27 03:00 ");
	zone_release(&z);
}

/* The rule foretells them where the file has none any more. */
Test(cron, changes_of_years_to_come_count_too)
{
	struct zone z = berlin();
	expect_next("30 2 * * *", &z, "2050-03-26 12:00:00", "03-27 01:30 03-28 00:30 ");
	expect_next("30 2 * * *", &z, "2050-10-29 12:00:00", "10-30 00:30 10-31 01:30 ");
	zone_release(&z);
}

/* Against a walk through all minutes, in a zone whose clocks change often and by odd amounts. */
Test(cron, no_moment_is_left_out_or_comes_twice)
{
	static const struct tzif_change changes[] = {
	    {86400, 5400}, {100000, 1800}, {130000, 1800 + 2700}, {170000, -3600}};
	uint8_t bytes[TZIF_ROOM];
	struct zone z;
	size_t length = tzif_make(bytes, 0, changes, 4, "XXX1");
	cr_assert_eq(zone_init(&z, bytes, length), 0);
	struct cron all = cron_of("* * * * *"), each_day = cron_of("* 0-23 * * *");
	int64_t passing = 0, shown = 0;
	for (int64_t s = 0; (s = cron_next(&all, &z, s)) <= 3 * DAY_S;)
		passing++;
	int64_t last = 0;
	for (int64_t s = 0; (s = cron_next(&each_day, &z, s)) <= 3 * DAY_S; last = s) {
		cr_assert_gt(s, last);
		shown++;
	}
	cr_expect_eq(passing, (int64_t)3 * DAY_S / 60);
	/* all but those that are shown a second time: 60 minutes at 100000, 135 at 170000 */
	cr_expect_eq(shown, passing - 60 - 135, "%ld of %ld", (long)shown, (long)passing);
	zone_release(&z);
}
