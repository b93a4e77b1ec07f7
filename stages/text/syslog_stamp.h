/* syslog_stamp.h - the two kinds of timestamps that stand in syslog.
 *
 *	Oct 11 22:14:15        RFC 3164; also with a fraction behind it, and with a year before the time (`Oct 11 2003 22:14:15`)
 *	2003-10-11T22:14:15.003-07:00        RFC 3339; also `+0700`, and with no offset at all
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYSLOG_STAMP_NO_YEAR = -1 };

/* What it says; 23:59:60 is a second of its own. */
struct syslog_stamp {
	int16_t year;
	uint8_t month, day; /* from 1; the day may be one that this month does not have */
	uint8_t hour, minute, second;
	bool has_offset;
	int32_t offset_s; /* to UTC, east is positive */
	int32_t fraction_ns;
};

/* How many bytes the timestamp takes that stands there; 0: none does. ret_stamp is set when one does. */
size_t syslog_stamp_bsd(const uint8_t *bytes, size_t length, struct syslog_stamp *ret_stamp);
size_t syslog_stamp_iso(const uint8_t *bytes, size_t length, struct syslog_stamp *ret_stamp);
