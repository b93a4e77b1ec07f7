#include "stages/cel/cel_time.h"

#include "stages/cel/cel_number.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_S INT64_C(86400)

/* What sums are made in before they are known to fit. */
__extension__ typedef __int128 wide;

/* ---- calendar: https://howardhinnant.github.io/date_algorithms.html, in eras of 400 years from March 1 ---- */

struct date {
	int64_t year;
	unsigned month, day; /* from 1 */
};

static int64_t days_of(struct date d)
{
	int64_t year = d.year - (d.month <= 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year =
	    (153 * (int64_t)((d.month > 2 ? d.month - 3 : d.month + 9)) + 2) / 5 + d.day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct date date_of(int64_t days)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day = days - era * 146097;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	struct date d = {.month = (unsigned)(month < 10 ? month + 3 : month - 9),
			 .day = (unsigned)(of_year - (153 * month + 2) / 5 + 1)};
	d.year = year + era * 400 + (d.month <= 2);
	return d;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month == 2 && leap ? 29 : days[month - 1];
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* ---- reading ---- */

struct cursor {
	const char *at, *end;
};

static bool skip(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool read_fixed(struct cursor *c, unsigned digits, unsigned most, unsigned *ret)
{
	unsigned n = 0;
	for (unsigned i = 0; i < digits; i++, c->at++) {
		if (c->at == c->end || *c->at < '0' || *c->at > '9')
			return false;
		n = n * 10 + (unsigned)(*c->at - '0');
	}
	*ret = n;
	return n <= most;
}

/* Digits after a point, as billionths; those beyond are dropped. */
static bool read_billionths(struct cursor *c, int64_t *ret)
{
	int64_t n = 0, unit = SECOND_NS / 10;
	const char *start = c->at;
	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, unit /= 10)
		n += (*c->at - '0') * unit;
	*ret = n;
	return c->at > start;
}

static bool read_hours_minutes(struct cursor *c, int64_t *ret_ns)
{
	unsigned hours, minutes;
	if (!read_fixed(c, 2, 23, &hours) || !skip(c, ':') || !read_fixed(c, 2, 59, &minutes))
		return false;
	*ret_ns = hours * HOUR_NS + minutes * MINUTE_NS;
	return true;
}

static bool read_zone(struct cursor *c, int64_t *ret_ns)
{
	*ret_ns = 0;
	if (skip(c, 'Z'))
		return true;
	bool negative = skip(c, '-');
	if ((!negative && !skip(c, '+')) || !read_hours_minutes(c, ret_ns))
		return false;
	if (negative)
		*ret_ns = -*ret_ns;
	return true;
}

static int in_range(wide ns, int64_t *ret_ns)
{
	if (ns < INT64_MIN || ns > INT64_MAX)
		return -ERANGE;
	*ret_ns = (int64_t)ns;
	return 0;
}

int cel_timestamp_parse(const char *text, size_t length, int64_t *ret_ns)
{
	struct cursor c = {text, text + length};
	unsigned year, month, day, hour, minute, second;
	int64_t fraction = 0, zone;
	if (!read_fixed(&c, 4, 9999, &year) || !skip(&c, '-') || !read_fixed(&c, 2, 12, &month) ||
	    month == 0 || !skip(&c, '-') || !read_fixed(&c, 2, days_in_month(year, month), &day) ||
	    day == 0 || !skip(&c, 'T') || !read_fixed(&c, 2, 23, &hour) || !skip(&c, ':') ||
	    !read_fixed(&c, 2, 59, &minute) || !skip(&c, ':') || !read_fixed(&c, 2, 59, &second))
		return -EINVAL;
	if (skip(&c, '.') && !read_billionths(&c, &fraction))
		return -EINVAL;
	if (!read_zone(&c, &zone) || c.at != c.end)
		return -EINVAL;
	int64_t days = days_of((struct date){year, month, day});
	int64_t seconds = days * DAY_S + hour * 3600 + minute * 60 + second;
	return in_range((wide)seconds * SECOND_NS + fraction - zone, ret_ns);
}

int cel_zone_parse(const char *text, size_t length, int64_t *ret_ns)
{
	struct cursor c = {text, text + length};
	bool read;
	*ret_ns = 0;
	if (length == 3 && memcmp(text, "UTC", 3) == 0)
		return 0;
	read = length > 0 && text[0] >= '0' && text[0] <= '9' ? read_hours_minutes(&c, ret_ns)
							      : read_zone(&c, ret_ns);
	return read && c.at == c.end ? 0 : -EINVAL;
}

static int64_t read_unit(struct cursor *c)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
	    {"ns", 1},       {"us", 1000},     {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000},
	    {"ms", 1000000}, {"s", SECOND_NS}, {"m", MINUTE_NS},    {"h", HOUR_NS},
	};
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t length = strlen(units[i].name);
		if ((size_t)(c->end - c->at) < length || memcmp(c->at, units[i].name, length) != 0)
			continue;
		c->at += length;
		return units[i].ns;
	}
	return 0;
}

/* One `90m` or `1.5s`, added. */
static int read_term(struct cursor *c, wide *sum)
{
	const char *start = c->at;
	uint64_t whole = 0;
	int64_t billionths = 0;
	while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
		c->at++;
	int r = c->at > start ? cel_uint_parse(start, (size_t)(c->at - start), 10, &whole) : 0;
	bool any = c->at > start;
	if (skip(c, '.') && !read_billionths(c, &billionths) && !any)
		return -EINVAL;
	if (c->at == start)
		return -EINVAL;
	int64_t unit = read_unit(c);
	if (unit == 0)
		return -EINVAL;
	*sum += (wide)whole * unit + (wide)billionths * unit / SECOND_NS;
	return r < 0 || *sum > (wide)INT64_MAX + 1 ? -ERANGE : 0;
}

int cel_duration_parse(const char *text, size_t length, int64_t *ret_ns)
{
	struct cursor c = {text, text + length};
	wide sum = 0;
	bool negative = skip(&c, '-');
	if (!negative)
		skip(&c, '+');
	if (c.at == c.end)
		return -EINVAL;
	if (c.end - c.at == 1 && *c.at == '0') {
		*ret_ns = 0;
		return 0;
	}
	while (c.at < c.end) {
		int r = read_term(&c, &sum);
		if (r < 0)
			return r;
	}
	return in_range(negative ? -sum : sum, ret_ns);
}

/* ---- writing ---- */

/* `.5` for half a billion; nothing for 0. */
static size_t print_fraction(char *to, int64_t billionths)
{
	if (billionths == 0)
		return 0;
	size_t n = (size_t)snprintf(to, 11, ".%09d", (int)billionths);
	while (to[n - 1] == '0')
		n--;
	return n;
}

size_t cel_timestamp_print(char to[static CEL_TIME_BYTES_MAX], int64_t ns)
{
	int64_t seconds = floor_div(ns, SECOND_NS), days = floor_div(seconds, DAY_S);
	struct date d = date_of(days);
	int of_day = (int)(seconds - days * DAY_S);
	int n = snprintf(to, CEL_TIME_BYTES_MAX, "%04d-%02u-%02uT%02d:%02d:%02d", (int)d.year,
			 d.month, d.day, of_day / 3600, of_day / 60 % 60, of_day % 60);
	size_t length = (size_t)n;
	length += print_fraction(to + length, ns - seconds * SECOND_NS);
	to[length++] = 'Z';
	return length;
}

size_t cel_duration_print(char to[static CEL_TIME_BYTES_MAX], int64_t ns)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	size_t n = 0;
	if (ns < 0)
		to[n++] = '-';
	n += cel_uint_print(to + n, size / (uint64_t)SECOND_NS);
	n += print_fraction(to + n, (int64_t)(size % (uint64_t)SECOND_NS));
	to[n++] = 's';
	return n;
}

/* ---- parts ---- */

static int64_t day_part(int64_t days, enum cel_part part)
{
	enum { THURSDAY = 4 }; /* day 0 */
	struct date d = date_of(days);
	switch (part) {
	case CEL_FULL_YEAR:
		return d.year;
	case CEL_MONTH:
		return d.month - 1;
	case CEL_DATE:
		return d.day;
	case CEL_DAY_OF_MONTH:
		return d.day - 1;
	case CEL_DAY_OF_WEEK:
		return ((days + THURSDAY) % 7 + 7) % 7;
	default:
		return days - days_of((struct date){d.year, 1, 1});
	}
}

int64_t cel_timestamp_part(int64_t ns, int64_t zone_ns, enum cel_part part)
{
	int64_t fraction = ns - floor_div(ns, SECOND_NS) * SECOND_NS;
	int64_t seconds = floor_div(ns, SECOND_NS) + zone_ns / SECOND_NS;
	int64_t days = floor_div(seconds, DAY_S), of_day = seconds - days * DAY_S;
	switch (part) {
	case CEL_HOURS:
		return of_day / 3600;
	case CEL_MINUTES:
		return of_day / 60 % 60;
	case CEL_SECONDS:
		return of_day % 60;
	case CEL_MILLISECONDS:
		return fraction / 1000000;
	default:
		return day_part(days, part);
	}
}

int64_t cel_duration_part(int64_t ns, enum cel_part part)
{
	switch (part) {
	case CEL_HOURS:
		return ns / HOUR_NS;
	case CEL_MINUTES:
		return ns / MINUTE_NS;
	case CEL_SECONDS:
		return ns / SECOND_NS;
	default:
		return ns % SECOND_NS / 1000000;
	}
}
