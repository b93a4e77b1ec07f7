#include "stages/text/syslog_stamp.h"

#include <string.h>

struct cursor {
	const uint8_t *at, *end;
};

static bool take(struct cursor *c, uint8_t wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool is_digit(const struct cursor *c)
{
	return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

/* Exactly so many digits, for a number between these two. */
static bool take_number(struct cursor *c, unsigned digits, unsigned least, unsigned most,
			unsigned *ret)
{
	unsigned n = 0;
	for (unsigned i = 0; i < digits; i++) {
		if (!is_digit(c))
			return false;
		n = n * 10 + (unsigned)(*c->at++ - '0');
	}
	*ret = n;
	return n >= least && n <= most;
}

/* What comes after billionths is dropped. */
static bool take_fraction(struct cursor *c, int32_t *ret_ns)
{
	int32_t unit = 100000000;
	if (!is_digit(c))
		return false;
	for (; is_digit(c); c->at++, unit /= 10)
		*ret_ns += (*c->at - '0') * unit;
	return true;
}

static bool take_time(struct cursor *c, struct syslog_stamp *s)
{
	unsigned hour, minute, second;
	if (!take_number(c, 2, 0, 23, &hour) || !take(c, ':') ||
	    !take_number(c, 2, 0, 59, &minute) || !take(c, ':') ||
	    !take_number(c, 2, 0, 60, &second))
		return false;
	s->hour = (uint8_t)hour;
	s->minute = (uint8_t)minute;
	s->second = (uint8_t)second;
	return !take(c, '.') || take_fraction(c, &s->fraction_ns);
}

static bool take_month(struct cursor *c, uint8_t *ret_month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	if (c->end - c->at < 3)
		return false;
	for (unsigned i = 0; i < 12; i++) {
		if (memcmp(c->at, names + (size_t)3 * i, 3) != 0)
			continue;
		c->at += 3;
		*ret_month = (uint8_t)(i + 1);
		return true;
	}
	return false;
}

/* ` 1`, `01` and `1` are the first. */
static bool take_day(struct cursor *c, uint8_t *ret_day)
{
	unsigned day;
	if (!take(c, ' '))
		return false;
	take(c, ' ');
	bool two = c->end - c->at >= 2 && c->at[1] >= '0' && c->at[1] <= '9';
	if (!take_number(c, two ? 2 : 1, 1, 31, &day))
		return false;
	*ret_day = (uint8_t)day;
	return true;
}

static bool take_year(struct cursor *c, int16_t *ret_year)
{
	unsigned year;
	*ret_year = SYSLOG_STAMP_NO_YEAR;
	bool stands = c->end - c->at > 4 && c->at[4] == ' ';
	if (!stands)
		return true;
	if (!take_number(c, 4, 1, 9999, &year) || !take(c, ' '))
		return false;
	*ret_year = (int16_t)year;
	return true;
}

static size_t taken(const struct cursor *c, const uint8_t *from, const struct syslog_stamp *stamp,
		    struct syslog_stamp *ret_stamp)
{
	*ret_stamp = *stamp;
	return (size_t)(c->at - from);
}

size_t syslog_stamp_bsd(const uint8_t *bytes, size_t length, struct syslog_stamp *ret_stamp)
{
	struct cursor c = {bytes, bytes + length};
	struct syslog_stamp s = {.year = SYSLOG_STAMP_NO_YEAR};
	bool stands = take_month(&c, &s.month) && take_day(&c, &s.day) && take(&c, ' ') &&
		      take_year(&c, &s.year) && take_time(&c, &s);
	return stands ? taken(&c, bytes, &s, ret_stamp) : 0;
}

static bool take_date(struct cursor *c, struct syslog_stamp *s)
{
	unsigned year, month, day;
	if (!take_number(c, 4, 0, 9999, &year) || !take(c, '-') ||
	    !take_number(c, 2, 1, 12, &month) || !take(c, '-') || !take_number(c, 2, 1, 31, &day))
		return false;
	s->year = (int16_t)year;
	s->month = (uint8_t)month;
	s->day = (uint8_t)day;
	return true;
}

static bool take_offset(struct cursor *c, struct syslog_stamp *s)
{
	unsigned hours, minutes;
	s->has_offset = true;
	if (take(c, 'Z'))
		return true;
	bool west = take(c, '-');
	if (!west && !take(c, '+')) {
		s->has_offset = false;
		return true;
	}
	if (!take_number(c, 2, 0, 23, &hours))
		return false;
	take(c, ':');
	if (!take_number(c, 2, 0, 59, &minutes))
		return false;
	s->offset_s = (int32_t)(hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return true;
}

size_t syslog_stamp_iso(const uint8_t *bytes, size_t length, struct syslog_stamp *ret_stamp)
{
	struct cursor c = {bytes, bytes + length};
	struct syslog_stamp s = {.year = 0};
	bool stands =
	    take_date(&c, &s) && take(&c, 'T') && take_time(&c, &s) && take_offset(&c, &s);
	return stands ? taken(&c, bytes, &s, ret_stamp) : 0;
}
