/* cron.h - moments that come back, as crontab(5) writes them: "5,35 8-17 * * mon-fri", "@daily".
 *
 *	minute 0-59   hour 0-23   day 1-31   month 1-12, jan-dec   day of the week 0-7, sun-sat (0 and 7 are Sunday)
 *
 *	*   a   a-b   each with /n: every n-th of them (a/n: from a on); several with commas
 *	@hourly @daily @midnight @weekly @monthly @yearly @annually
 *
 * Where neither day begins with *, either will do: "0 0 13 * fri" is each 13th and each Friday. Where one does, both have to.
 *
 * In a time zone whose clocks change:
 *
 *	hour begins with *    counts by the moments that pass: "0-59/10 * * * *" is every ten minutes, whatever the clocks show
 *	else                  each time of the day once: one that clocks skip comes as long after the change as it lies behind it
 *	                      (02:30 at 03:30, as in zone.h); of one that they show twice it is the first
 *
 * Threads: any once parsed. Memory: none. Layer: stages. */
#pragma once

#include "stages/time/zone.h"

struct cron {
	uint64_t minutes; /* a bit each */
	uint32_t hours, days, months;
	uint8_t weekdays; /* Sunday is bit 0 */
	bool either_day;
	bool every_hour; /* the hour begins with * */
};

/* 0, or -EINVAL: *ret_wrong says what is wrong, *ret_at where. */
int cron_parse(struct cron *c, const char *text, size_t length, const char **ret_wrong,
	       size_t *ret_at);

/* The first second after that one, since 1970 UTC, at which it is time; INT64_MAX: there is none any more. */
int64_t cron_next(const struct cron *c, const struct zone *z, int64_t after_s);
