/* zone_rule.h - the rule by which a zone's clocks change every year, as POSIX writes it in TZ.
 *
 *	CET-1CEST,M3.5.0,M10.5.0/3        <+0330>-3:30        EST5EDT,0/0,J365/25
 *	│  │ │    │      └ ends           one offset          always on saved time
 *	│  │ │    └ begins: March, last Sunday, at 02:00:00 by the clock until then
 *	│  │ └ saved time: one hour more, where no other offset is written
 *	│  └ west of UTC, so +01:00
 *	└ names, which are not kept
 *
 * Times of day reach from -167 to 167 hours, as RFC 8536 allows. Threads: any. Memory: none. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone_day {
	enum { ZONE_DAY_OF_365, ZONE_DAY_OF_YEAR, ZONE_DAY_OF_WEEK } kind;
	unsigned
	    day; /* OF_365: 1 to 365, February 29 is not counted; OF_YEAR: from 0; OF_WEEK: Sunday is 0 */
	unsigned month, week; /* OF_WEEK; the fifth week is the last */
	int32_t time_s;       /* of that day, by the clock until then */
};

struct zone_rule {
	int32_t standard_s; /* east of UTC */
	bool saves;
	int32_t saving_s;
	struct zone_day begins, ends; /* of saved time */
};

/* 0 or -EINVAL. */
int zone_rule_parse(struct zone_rule *r, const char *text, size_t length);

/* When saved time begins and ends in that year, in seconds since 1970 UTC; of a rule that saves. */
int64_t zone_rule_begins(const struct zone_rule *r, int64_t year);
int64_t zone_rule_ends(const struct zone_rule *r, int64_t year);
