/* time_write.h - a moment as text: what a clock in a zone shows then, as a time_format has it.
 *
 *	rfc3339       2000-10-10T20:55:36Z  2000-10-10T13:55:36.500-07:00    as few of 0, 3, 6, 9 digits as say all
 *	unix, ...     971211336                                              whole units, rounded down
 *	a pattern     digits of a fraction that there is no room for are dropped
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "stages/time/calendar.h"
#include "stages/time/time_format.h"
#include "stages/time/zone.h"

enum { TIME_RFC3339_MAX = 35 };

/* Returns how many bytes were written, without a NUL; 0: there is no room. */
size_t time_write(const struct time_format *f, const struct zone *z, int64_t ns, char *to,
		  size_t room);

/* The same of rfc3339 in UTC. */
size_t time_write_rfc3339(int64_t ns, char to[static TIME_RFC3339_MAX]);

/* What the clock shows. */
struct time_shown {
	int64_t utc_s, days; /* since 1970; the days are the clock's */
	struct date date;
	unsigned hour, minute, second;
	uint32_t fraction_ns;
	int32_t offset_s; /* east of UTC */
};

void time_show(struct time_shown *t, int32_t offset_s, int64_t ns);

/* One conversion of those that time_format.h says are written; bytes, or 0: there is no room. */
size_t time_write_conversion(const struct time_shown *t, char letter, char *to, size_t room);
