/* time_said.h - what a text has said of a moment, while it is read.
 *
 * Threads: the caller's. Memory: none. Layer: stages. */
#pragma once

#include "stages/time/time_parse.h"

struct time_said {
	const uint8_t *at, *end; /* what is still to be read */
	int64_t days;            /* since 1970, if the date is known */
	bool has_days;           /* so that neither year, month nor day is looked at */
	bool has_year, has_offset, has_half, is_unix;
	bool is_afternoon;
	int32_t year;
	unsigned month, day, year_day; /* from 1; 0: not said */
	unsigned hour, minute, second;
	uint32_t fraction_ns;
	int32_t offset_s; /* east of UTC */
	/* UNIX: away from 1970, and in which direction */
	uint64_t unix_s;
	bool is_negative;
};

/* Each reads what its format has; what is behind it is the caller's to refuse. False: it is not written so, or a date that it has
 * looked up does not exist. */
bool time_read_pattern(struct time_said *t, const struct time_format *f, struct time_cache *cache);
bool time_read_rfc3339(struct time_said *t, struct time_cache *cache, bool strict);
bool time_read_rfc2822(struct time_said *t);

/* Of a date that has been said, with t->year: there is such a day, and it is in t->days. */
bool time_find_days(struct time_said *t);

/* The text goes on with the bytes that said the date the last time: it has been said, and they are behind. */
bool time_recall_date(struct time_said *t, const struct time_cache *cache);
/* It was said by the bytes between. A year that was said has been found to have such a day. */
void time_note_date(const struct time_said *t, struct time_cache *cache, const uint8_t *from);
