#include "stages/time/time_parse.h"

#include "stages/time/calendar.h"
#include "stages/time/time_digits.h"
#include "stages/time/time_said.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { HOUR_S = 3600, MINUTE_S = 60, LEAP_SECOND = 60, YEARS_BACK_MAX = 8, DAYS_AHEAD_MAX = 4 };

/* What sums are made in before they are known to fit. */
__extension__ typedef __int128 wide;

static int in_range(wide ns, int64_t *ret_ns)
{
	if (ns < INT64_MIN || ns > INT64_MAX)
		return -ERANGE;
	*ret_ns = (int64_t)ns;
	return 0;
}

/* ---- the date ---- */

bool time_find_days(struct time_said *t)
{
	unsigned of_year = 0;
	struct date d = {t->year, t->month, t->day};
	if (t->year_day) {
		unsigned leap = calendar_days_in_month(t->year, 2) == 29;
		if (t->year_day > 365 + leap)
			return false;
		d.month = d.day = 1;
		of_year = t->year_day - 1;
	} else if (t->month > 12 || t->day > calendar_days_in_month(t->year, t->month)) {
		return false;
	}
	t->days = calendar_days(d) + of_year;
	t->has_days = true;
	return true;
}

bool time_recall_date(struct time_said *t, const struct time_cache *cache)
{
	if (cache->date_length == 0 || t->end - t->at < cache->date_length ||
	    memcmp(t->at, cache->date_bytes, cache->date_length) != 0)
		return false;
	t->at += cache->date_length;
	t->has_year = t->has_days = cache->has_year;
	t->year = cache->year;
	t->days = cache->days;
	t->month = cache->month;
	t->day = cache->day;
	t->year_day = cache->year_day;
	return true;
}

void time_note_date(const struct time_said *t, struct time_cache *cache, const uint8_t *from)
{
	size_t length = (size_t)(t->at - from);
	if (length > sizeof cache->date_bytes)
		return;
	assert(t->has_year == t->has_days && "a date of a year is looked up before it is noted");
	memcpy(cache->date_bytes, from, length);
	cache->date_length = (uint8_t)length;
	cache->has_year = t->has_year;
	cache->year = t->year;
	cache->days = t->days;
	cache->month = (uint8_t)t->month;
	cache->day = (uint8_t)t->day;
	cache->year_day = (uint16_t)t->year_day;
}

/* ---- the moment ---- */

static int64_t from_local(const struct zone *z, struct time_cache *cache, int64_t local_s)
{
	if (local_s < cache->span.from_s || local_s >= cache->span.to_s)
		cache->span = zone_at_local(z, local_s);
	return local_s - cache->span.offset_s;
}

static bool is_time_of_day(struct time_said *t)
{
	if (t->has_half)
		t->hour = t->hour % 12 + (t->is_afternoon ? 12 : 0);
	return t->hour < 24 && t->minute < 60 && t->second <= LEAP_SECOND;
}

/* Of a date that is known. */
static int resolve_day(const struct time_said *t, const struct zone *z, struct time_cache *cache,
		       int64_t *ret_ns)
{
	bool leap = t->second == LEAP_SECOND;
	int64_t local_s = t->days * DAY_S + t->hour * HOUR_S + t->minute * MINUTE_S + t->second;
	local_s -= leap;
	int64_t utc_s = t->has_offset ? local_s - t->offset_s : from_local(z, cache, local_s);
	if (leap && (utc_s + 1) % DAY_S != 0)
		return -EINVAL;
	return in_range((wide)(utc_s + leap) * SECOND_NS + t->fraction_ns, ret_ns);
}

/* The last year in which it is not over a day after now. */
static int resolve_year(struct time_said *t, const struct zone *z, struct time_cache *cache,
			int64_t now_ns, int64_t *ret_ns)
{
	int64_t ns, now_s = floor_div(now_ns, SECOND_NS);
	int64_t today = floor_div(now_s + zone_at(z, now_s).offset_s, DAY_S);
	int32_t year = (int32_t)calendar_date(today).year + 1;
	for (int back = 0; back <= YEARS_BACK_MAX + 1; back++) {
		t->year = year - back;
		/* Most are ruled out by their day alone, whatever the zone. */
		if (!time_find_days(t) || t->days > today + DAYS_AHEAD_MAX ||
		    resolve_day(t, z, cache, &ns) < 0 ||
		    (wide)ns > (wide)now_ns + DAY_S * SECOND_NS)
			continue;
		*ret_ns = ns;
		return 0;
	}
	return -EINVAL;
}

static int resolve(struct time_said *t, const struct zone *z, struct time_cache *cache,
		   int64_t now_ns, int64_t *ret_ns)
{
	if (t->is_unix) {
		wide ns = (wide)t->unix_s * SECOND_NS + t->fraction_ns;
		return in_range(t->is_negative ? -ns : ns, ret_ns);
	}
	if (!is_time_of_day(t))
		return -EINVAL;
	if (!t->has_year)
		return resolve_year(t, z, cache, now_ns, ret_ns);
	return t->has_days || time_find_days(t) ? resolve_day(t, z, cache, ret_ns) : -EINVAL;
}

/* ---- seconds since 1970, and parts of them ---- */

static int parse_unix(int64_t unit_ns, const uint8_t *at, const uint8_t *end, int64_t *ret_ns)
{
	const uint8_t *start;
	uint32_t billionths = 0;
	uint64_t whole = 0;
	bool negative = time_read_byte(&at, end, '-'), fits = true;
	for (start = at; at < end && time_is_digit(*at); at++)
		fits = fits && !__builtin_mul_overflow(whole, 10, &whole) &&
		       !__builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole);
	if (at == start)
		return -EINVAL;
	if (time_read_byte(&at, end, '.') && !time_read_billionths(&at, end, &billionths))
		return -EINVAL;
	if (at != end)
		return -EINVAL;
	wide ns = (wide)whole * unit_ns + billionths * unit_ns / SECOND_NS;
	return fits ? in_range(negative ? -ns : ns, ret_ns) : -ERANGE;
}

/* ---- all of it ---- */

static bool read_text(struct time_said *t, const struct time_format *f, struct time_cache *cache)
{
	switch (f->kind) {
	case TIME_RFC3339:
		return time_read_rfc3339(t, cache, false);
	case TIME_RFC2822:
		return time_read_rfc2822(t);
	default:
		return time_read_pattern(t, f, cache);
	}
}

int time_parse(const struct time_format *f, const struct zone *z, struct time_cache *cache,
	       int64_t now_ns, const uint8_t *bytes, size_t length, int64_t *ret_ns)
{
	struct time_said t = {.at = bytes, .end = bytes + length};
	if (f->kind == TIME_UNIX)
		return parse_unix(f->unit_ns, bytes, t.end, ret_ns);
	if (!read_text(&t, f, cache) || t.at != t.end)
		return -EINVAL;
	return resolve(&t, z, cache, now_ns, ret_ns);
}

int time_parse_strict(const uint8_t *bytes, size_t length, int64_t *ret_ns)
{
	static const struct zone utc;
	struct time_cache cache = {0};
	struct time_said t = {.at = bytes, .end = bytes + length};
	if (!time_read_rfc3339(&t, &cache, true) || t.at != t.end || t.second == LEAP_SECOND)
		return -EINVAL;
	return resolve(&t, &utc, &cache, 0, ret_ns);
}
