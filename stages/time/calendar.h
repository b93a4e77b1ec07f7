/* calendar.h - days since 1970-01-01 as dates of the Gregorian calendar, before it was introduced too.
 *
 * Any int64_t of seconds, in days, is no overflow. Threads: any. Memory: none. Layer: libc only. */
#pragma once

#include <stdint.h>

enum { DAY_S = 86400 };
#define SECOND_NS INT64_C(1000000000)

struct date {
	int64_t year;
	unsigned month, day; /* from 1 */
};

/* The date need not exist beyond that its month does: February 30 is March 2, or March 1. */
int64_t calendar_days(struct date d);
struct date calendar_date(int64_t days);

unsigned calendar_days_in_month(int64_t year, unsigned month);

/* From 0: January 1. */
unsigned calendar_year_day(int64_t days);
/* Sunday is 0. */
unsigned calendar_weekday(int64_t days);

/* As ISO 8601 counts: weeks begin on Monday, and number 1 is the one that has the year's first Thursday. */
struct week {
	int64_t year;
	unsigned number; /* from 1 */
};
struct week calendar_week(int64_t days);

/* Rounds down, for any a; b above 0. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}
