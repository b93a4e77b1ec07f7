#include "stages/time/calendar.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

Test(calendar, known_days_have_their_numbers)
{
	cr_expect_eq(calendar_days((struct date){1970, 1, 1}), 0);
	cr_expect_eq(calendar_days((struct date){1969, 12, 31}), -1);
	cr_expect_eq(calendar_days((struct date){2000, 2, 29}), 11016);
	cr_expect_eq(calendar_days((struct date){1, 1, 1}), -719162);
	cr_expect_eq(calendar_days((struct date){0, 2, 29}), -719469);
	cr_expect_eq(calendar_days((struct date){9999, 12, 31}), 2932896);
}

Test(calendar, every_day_from_year_1_to_9999_follows_the_one_before)
{
	struct date d = {1, 1, 1};
	for (int64_t days = -719162; days <= 2932896; days++) {
		struct date of = calendar_date(days);
		cr_assert(of.year == d.year && of.month == d.month && of.day == d.day);
		cr_assert_eq(calendar_days(d), days);
		if (++d.day > calendar_days_in_month(d.year, d.month)) {
			d.day = 1;
			d.month++;
		}
		if (d.month > 12) {
			d.month = 1;
			d.year++;
		}
	}
}

Test(calendar, a_year_is_leap_by_the_rules_of_1582)
{
	cr_expect_eq(calendar_days_in_month(2024, 2), 29);
	cr_expect_eq(calendar_days_in_month(2023, 2), 28);
	cr_expect_eq(calendar_days_in_month(1900, 2), 28);
	cr_expect_eq(calendar_days_in_month(2000, 2), 29);
	cr_expect_eq(calendar_days_in_month(2100, 2), 28);
}

/* Those of libc, which counts the same. */
Test(calendar, weeks_and_days_of_the_week_are_those_of_iso_8601)
{
	for (int64_t days = -719162; days <= 2932896; days += 3) {
		time_t second = (time_t)(days * DAY_S);
		struct tm tm;
		char text[32];
		gmtime_r(&second, &tm);
		struct week week = calendar_week(days);
		int year = 0;
		unsigned number = 0;
		strftime(text, sizeof text, "%G %V", &tm);
		cr_assert_eq(sscanf(text, "%d %u", &year, &number), 2);
		cr_assert_eq(week.year, year, "%s", text);
		cr_assert_eq(week.number, number, "%s", text);
		cr_assert_eq(calendar_weekday(days), (unsigned)tm.tm_wday);
		cr_assert_eq(calendar_year_day(days), (unsigned)tm.tm_yday);
	}
}
