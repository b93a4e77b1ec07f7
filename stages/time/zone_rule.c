#include "stages/time/zone_rule.h"

#include "stages/time/calendar.h"
#include "stages/time/time_digits.h"

#include <errno.h>
#include <string.h>

enum { NAME_MIN = 3, OFFSET_HOURS_MAX = 24, TIME_HOURS_MAX = 167, HOUR_S = 3600 };

struct cursor {
	const uint8_t *at, *end;
};

static bool skip(struct cursor *c, char wanted)
{
	return time_read_byte(&c->at, c->end, (uint8_t)wanted);
}

static bool read_number(struct cursor *c, unsigned digits, unsigned least, unsigned most,
			unsigned *ret)
{
	return time_read_number(&c->at, c->end, 1, digits, ret) && *ret >= least && *ret <= most;
}

static bool is_letter(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* CET, <+0330> */
static bool skip_name(struct cursor *c)
{
	bool quoted = skip(c, '<');
	const uint8_t *start = c->at;
	while (c->at < c->end &&
	       (is_letter(*c->at) ||
		(quoted && (time_is_digit(*c->at) || *c->at == '+' || *c->at == '-'))))
		c->at++;
	return c->at - start >= NAME_MIN && (!quoted || skip(c, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(struct cursor *c, unsigned hours_max, int32_t *ret_s)
{
	unsigned hours, minutes = 0, seconds = 0;
	bool negative = skip(c, '-');
	if (!negative)
		skip(c, '+');
	if (!read_number(c, 3, 0, hours_max, &hours))
		return false;
	if (skip(c, ':')) {
		if (!read_number(c, 2, 0, 59, &minutes))
			return false;
		if (skip(c, ':') && !read_number(c, 2, 0, 59, &seconds))
			return false;
	}
	int32_t size = (int32_t)(hours * HOUR_S + minutes * 60 + seconds);
	*ret_s = negative ? -size : size;
	return true;
}

/* POSIX counts westwards. */
static bool read_offset(struct cursor *c, int32_t *ret_s)
{
	bool read = read_time(c, OFFSET_HOURS_MAX, ret_s);
	*ret_s = -*ret_s;
	return read;
}

/* Mm.w.d, Jn, n; then perhaps /time */
static bool read_day(struct cursor *c, struct zone_day *d)
{
	bool read;
	*d = (struct zone_day){.kind = ZONE_DAY_OF_YEAR, .time_s = 2 * HOUR_S};
	if (skip(c, 'M')) {
		d->kind = ZONE_DAY_OF_WEEK;
		read = read_number(c, 2, 1, 12, &d->month) && skip(c, '.') &&
		       read_number(c, 1, 1, 5, &d->week) && skip(c, '.') &&
		       read_number(c, 1, 0, 6, &d->day);
	} else if (skip(c, 'J')) {
		d->kind = ZONE_DAY_OF_365;
		read = read_number(c, 3, 1, 365, &d->day);
	} else {
		read = read_number(c, 3, 0, 365, &d->day);
	}
	return read && (!skip(c, '/') || read_time(c, TIME_HOURS_MAX, &d->time_s));
}

static bool read_saving(struct cursor *c, struct zone_rule *r)
{
	if (!skip_name(c))
		return false;
	r->saves = true;
	r->saving_s = r->standard_s + HOUR_S;
	if (c->at < c->end && *c->at != ',' && !read_offset(c, &r->saving_s))
		return false;
	return skip(c, ',') && read_day(c, &r->begins) && skip(c, ',') && read_day(c, &r->ends);
}

int zone_rule_parse(struct zone_rule *r, const char *text, size_t length)
{
	struct cursor c = {(const uint8_t *)text, (const uint8_t *)text + length};
	*r = (struct zone_rule){0};
	bool read = skip_name(&c) && read_offset(&c, &r->standard_s);
	if (read && c.at < c.end)
		read = read_saving(&c, r);
	return read && c.at == c.end ? 0 : -EINVAL;
}

/* ---- when ---- */

static int64_t day_of_week(const struct zone_day *d, int64_t year)
{
	int64_t first = calendar_days((struct date){year, d->month, 1});
	unsigned ahead = (d->day + 7 - calendar_weekday(first)) % 7;
	unsigned of_month = ahead + (d->week - 1) * 7; /* from 0 */
	if (of_month >= calendar_days_in_month(year, d->month))
		of_month -= 7;
	return first + of_month;
}

static int64_t day_of(const struct zone_day *d, int64_t year)
{
	int64_t first = calendar_days((struct date){year, 1, 1});
	if (d->kind == ZONE_DAY_OF_WEEK)
		return day_of_week(d, year);
	if (d->kind == ZONE_DAY_OF_YEAR)
		return first + d->day;
	bool behind_leap_day = d->day > 31 + 28 && calendar_days_in_month(year, 2) == 29;
	return first + d->day - 1 + behind_leap_day;
}

int64_t zone_rule_begins(const struct zone_rule *r, int64_t year)
{
	return day_of(&r->begins, year) * DAY_S + r->begins.time_s - r->standard_s;
}

int64_t zone_rule_ends(const struct zone_rule *r, int64_t year)
{
	return day_of(&r->ends, year) * DAY_S + r->ends.time_s - r->saving_s;
}
