/* syslog_time.h - the moments that timestamps of syslog say (stages/text/syslog_stamp.h).
 *
 * Threads: one. Memory: syslog_time_close(). Layer: stages. */
#pragma once

#include "stages/text/syslog_stamp.h"
#include "stages/text/text_span.h"
#include "stages/time/time_parse.h"

enum { SYSLOG_TIME_KINDS = 5 };

struct syslog_time {
	struct zone zone;
	struct time_format formats[SYSLOG_TIME_KINDS];
	struct time_cache caches[SYSLOG_TIME_KINDS];
};

/* zone: of those that say no offset, as zone_open() has it. 0 or -errno, its; syslog_time_close() in either case, also of one that
 * is all zero. */
int syslog_time_open(struct syslog_time *t, struct env *env, const char *zone, size_t length);
void syslog_time_close(struct syslog_time *t);

/* What stands in the text, which is in the stamp too. now_ns: when it was read, for those without a year. 0, -EINVAL: there is no
 * such day; -ERANGE. */
int syslog_time_read(struct syslog_time *t, struct text_span text, const struct syslog_stamp *stamp,
		     int64_t now_ns, int64_t *ret_ns);
