#include "stages/cel/cel_time.h"

#include "stages/cel/cel_number.h"
#include "stages/time/time_digits.h"
#include "stages/time/time_parse.h"
#include "stages/time/time_write.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS (60 * MINUTE_NS)

/* What sums are made in before they are known to fit. */
__extension__ typedef __int128 wide;

/* ---- reading ---- */

struct cursor {
	const uint8_t *at, *end;
};

static struct cursor cursor_over(const char *text, size_t length)
{
	return (struct cursor){(const uint8_t *)text, (const uint8_t *)text + length};
}

static bool skip(struct cursor *c, char wanted)
{
	return time_read_byte(&c->at, c->end, (uint8_t)wanted);
}

static bool read_two(struct cursor *c, unsigned most, unsigned *ret)
{
	return time_read_number(&c->at, c->end, 2, 2, ret) && *ret <= most;
}

static bool read_hours_minutes(struct cursor *c, int64_t *ret_ns)
{
	unsigned hours, minutes;
	if (!read_two(c, 23, &hours) || !skip(c, ':') || !read_two(c, 59, &minutes))
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
	return time_parse_strict((const uint8_t *)text, length, ret_ns);
}

int cel_zone_parse(const char *text, size_t length, int64_t *ret_ns)
{
	struct cursor c = cursor_over(text, length);
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
	const uint8_t *start = c->at;
	uint64_t whole = 0;
	uint32_t billionths = 0;
	while (c->at < c->end && time_is_digit(*c->at))
		c->at++;
	bool any = c->at > start;
	int r = any ? cel_uint_parse((const char *)start, (size_t)(c->at - start), 10, &whole) : 0;
	if (skip(c, '.') && !time_read_billionths(&c->at, c->end, &billionths) && !any)
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
	struct cursor c = cursor_over(text, length);
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
	static_assert((int)TIME_RFC3339_MAX <= (int)CEL_TIME_BYTES_MAX, "a timestamp has room");
	size_t n = time_write_rfc3339(ns, to);
	/* As few digits of a fraction as say it, not three at a time; one of them is no 0. */
	while (ns % SECOND_NS != 0 && to[n - 2] == '0')
		n--;
	to[n - 1] = 'Z';
	return n;
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

int64_t cel_timestamp_part(int64_t ns, int64_t zone_ns, enum cel_part part)
{
	struct time_shown t;
	time_show(&t, (int32_t)(zone_ns / SECOND_NS), ns);
	switch (part) {
	case CEL_FULL_YEAR:
		return t.date.year;
	case CEL_MONTH:
		return t.date.month - 1;
	case CEL_DATE:
		return t.date.day;
	case CEL_DAY_OF_MONTH:
		return t.date.day - 1;
	case CEL_DAY_OF_WEEK:
		return calendar_weekday(t.days);
	case CEL_DAY_OF_YEAR:
		return calendar_year_day(t.days);
	case CEL_HOURS:
		return t.hour;
	case CEL_MINUTES:
		return t.minute;
	case CEL_SECONDS:
		return t.second;
	default:
		return t.fraction_ns / 1000000;
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
