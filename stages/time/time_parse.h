/* time_parse.h - the moment that a text says, as a time_format has it: all of the text, or it says none.
 *
 *	"2024-03-31 02:30:00,25"  ─►  date, time of day  ─►  the zone's offset then  ─►  nanoseconds since 1970 UTC, exactly
 *	 ^ the same bytes as the last time are the same day
 *
 * Where the text says no offset to UTC, the zone's clocks showed it; of times that they show twice or never see zone.h. Digits of a
 * fraction beyond the ninth are dropped.
 *
 * No year: of those in which there is that day, it is the last in which the moment lies no more than 24 hours after `now_ns`. So a
 * record of December 31 read on January 1 is of last year, one whose clock is a little ahead of ours over the turn of the year is of
 * the next, and of February 29 it may be four years old, or eight.
 *
 * Second 60: a leap second, which UTC has after 23:59:59, is the first second of the next day; at any other time it is refused.
 *
 * Threads: formats and zones are shared, a cache is its caller's. Memory: none. Layer: stages. */
#pragma once

#include "stages/time/time_format.h"
#include "stages/time/zone.h"

enum { TIME_DATE_BYTES_MAX = 38 };

/* What was found the last time, of one format and one zone. All zero to begin with. */
struct time_cache {
	uint8_t date_bytes[TIME_DATE_BYTES_MAX];
	uint8_t date_length; /* 0: none yet */
	bool has_year;
	uint16_t year_day;  /* from 1; 0: it was said otherwise */
	uint8_t month, day; /* from 1 */
	int32_t year;
	int64_t days;          /* since 1970, if it has a year */
	struct zone_span span; /* of the zone's clocks */
};

/* 0; -EINVAL: it is not written so, or there is no such day or time; -ERANGE: before 1677-09-21 or after 2262-04-11. */
int time_parse(const struct time_format *f, const struct zone *z, struct time_cache *cache,
	       int64_t now_ns, const uint8_t *bytes, size_t length, int64_t *ret_ns);

/* RFC 3339 and nothing more: capital T and Z, a point, an offset with a colon, no leap second. The same errors. */
int time_parse_strict(const uint8_t *bytes, size_t length, int64_t *ret_ns);
