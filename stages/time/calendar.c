/* calendar.c - https://howardhinnant.github.io/date_algorithms.html, in eras of 400 years from March 1. */
#include "stages/time/calendar.h"

#include <stdbool.h>

enum { ERA_DAYS = 146097, EPOCH_DAY = 719468, DAYS_OF_WEEK = 7, THURSDAY = 4 };

int64_t calendar_days(struct date d)
{
	int64_t year = d.year - (d.month <= 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t month = d.month > 2 ? d.month - 3 : d.month + 9;
	int64_t of_year = (153 * month + 2) / 5 + d.day - 1;
	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAY;
}

struct date calendar_date(int64_t days)
{
	days += EPOCH_DAY;
	int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t day = days - era * ERA_DAYS;
	int64_t year = (day - day / 1460 + day / 36524 - day / (ERA_DAYS - 1)) / 365;
	int64_t of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	struct date d = {.month = (unsigned)(month < 10 ? month + 3 : month - 9),
			 .day = (unsigned)(of_year - (153 * month + 2) / 5 + 1)};
	d.year = year + era * 400 + (d.month <= 2);
	return d;
}

unsigned calendar_days_in_month(int64_t year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month == 2 && leap ? 29 : days[month - 1];
}

unsigned calendar_year_day(int64_t days)
{
	int64_t year = calendar_date(days).year;
	return (unsigned)(days - calendar_days((struct date){year, 1, 1}));
}

unsigned calendar_weekday(int64_t days)
{
	return (unsigned)((days % DAYS_OF_WEEK + DAYS_OF_WEEK + THURSDAY) % DAYS_OF_WEEK);
}

struct week calendar_week(int64_t days)
{
	int64_t from_monday = (calendar_weekday(days) + 6) % DAYS_OF_WEEK;
	int64_t thursday = days - from_monday + 3;
	return (struct week){.year = calendar_date(thursday).year,
			     .number = calendar_year_day(thursday) / DAYS_OF_WEEK + 1};
}
