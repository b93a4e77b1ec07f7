/* time_rfc.c - the times of RFC 3339 and RFC 2822, which leave more open than a pattern can say. */
#include "stages/time/time_digits.h"
#include "stages/time/time_names.h"
#include "stages/time/time_said.h"

#include <string.h>

static bool skip(struct time_said *t, char wanted)
{
	return time_read_byte(&t->at, t->end, (uint8_t)wanted);
}

static bool read_two(struct time_said *t, unsigned *ret)
{
	return time_read_number(&t->at, t->end, 2, 2, ret);
}

/* ---- 2000-10-10T13:55:36.5-07:00 ---- */

enum { DATE_BYTES = 10, TIME_BYTES = 8 };

static bool read_full_date(struct time_said *t, struct time_cache *cache)
{
	const uint8_t *from = t->at;
	unsigned year;
	if (t->end - t->at < DATE_BYTES)
		return false;
	if (time_recall_date(t, cache))
		return true;
	if (!time_read_number(&t->at, t->end, 4, 4, &year) || !skip(t, '-') ||
	    !read_two(t, &t->month) || !skip(t, '-') || !read_two(t, &t->day))
		return false;
	t->year = (int32_t)year;
	t->has_year = true;
	if (t->month == 0 || t->day == 0 || !time_find_days(t))
		return false;
	time_note_date(t, cache, from);
	return true;
}

static bool read_partial_time(struct time_said *t)
{
	return t->end - t->at >= TIME_BYTES && read_two(t, &t->hour) && skip(t, ':') &&
	       read_two(t, &t->minute) && skip(t, ':') && read_two(t, &t->second);
}

static bool read_separator(struct time_said *t, bool strict)
{
	return skip(t, 'T') || (!strict && (skip(t, ' ') || skip(t, 't')));
}

static bool read_fraction(struct time_said *t, bool strict)
{
	bool any = skip(t, '.') || (!strict && skip(t, ','));
	return !any || time_read_billionths(&t->at, t->end, &t->fraction_ns);
}

static bool read_offset(struct time_said *t, bool strict)
{
	enum { WITH_COLON = 6 };
	t->has_offset = strict || t->at < t->end;
	if (!t->has_offset || (!strict && skip(t, 'z')))
		return true;
	const uint8_t *from = t->at;
	if (!time_read_offset(&t->at, t->end, &t->offset_s))
		return false;
	return !strict || t->at - from == 1 || t->at - from == WITH_COLON;
}

bool time_read_rfc3339(struct time_said *t, struct time_cache *cache, bool strict)
{
	return read_full_date(t, cache) && read_separator(t, strict) && read_partial_time(t) &&
	       read_fraction(t, strict) && read_offset(t, strict);
}

/* ---- Tue, 10 Oct 2000 13:55:36 -0700 (PDT) ---- */

static void skip_white(struct time_said *t)
{
	while (t->at < t->end && (*t->at == ' ' || *t->at == '\t'))
		t->at++;
}

static bool is_letter(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool read_day_name(struct time_said *t)
{
	if (t->at == t->end || !is_letter(*t->at))
		return true;
	bool read = time_read_weekday_name(&t->at, t->end) >= 0 && skip(t, ',');
	skip_white(t);
	return read;
}

/* The two digits of old, and the three of after 1999, are counted as RFC 2822 4.3 says. */
static bool read_year(struct time_said *t)
{
	const uint8_t *from = t->at;
	unsigned year;
	if (!time_read_number(&t->at, t->end, 2, 4, &year))
		return false;
	if (t->at - from == 2)
		year += year < 50 ? 2000 : 1900;
	else if (t->at - from == 3)
		year += 1900;
	t->year = (int32_t)year;
	t->has_year = true;
	return true;
}

static bool read_date(struct time_said *t)
{
	if (!time_read_number(&t->at, t->end, 1, 2, &t->day) || t->day == 0)
		return false;
	skip_white(t);
	t->month = (unsigned)(time_read_month_name(&t->at, t->end) + 1);
	skip_white(t);
	return t->month > 0 && read_year(t) && time_find_days(t);
}

static bool read_time_of_day(struct time_said *t)
{
	return read_two(t, &t->hour) && skip(t, ':') && read_two(t, &t->minute) &&
	       (!skip(t, ':') || read_two(t, &t->second));
}

static bool read_zone(struct time_said *t)
{
	static const struct {
		const char *name;
		int hours;
	} zones[] = {
	    {"UTC", 0},  {"GMT", 0},  {"UT", 0},   {"EST", -5}, {"EDT", -4}, {"CST", -6},
	    {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}, {"Z", 0},
	};
	t->has_offset = true;
	if (t->at < t->end && !is_letter(*t->at))
		return time_read_offset(&t->at, t->end, &t->offset_s);
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		size_t length = strlen(zones[i].name);
		if ((size_t)(t->end - t->at) < length || memcmp(t->at, zones[i].name, length) != 0)
			continue;
		t->at += length;
		t->offset_s = zones[i].hours * 3600;
		return true;
	}
	return false;
}

/* (PDT), which says nothing; one within another is not looked for. */
static bool skip_comment(struct time_said *t)
{
	skip_white(t);
	if (!skip(t, '('))
		return true;
	const uint8_t *close = memchr(t->at, ')', (size_t)(t->end - t->at));
	if (!close)
		return false;
	t->at = close + 1;
	return true;
}

bool time_read_rfc2822(struct time_said *t)
{
	if (!read_day_name(t) || !read_date(t))
		return false;
	const uint8_t *from = t->at;
	skip_white(t);
	if (t->at == from || !read_time_of_day(t))
		return false;
	skip_white(t);
	return read_zone(t) && skip_comment(t);
}
