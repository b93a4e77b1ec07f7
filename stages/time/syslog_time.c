#include "stages/time/syslog_time.h"

#include <assert.h>
#include <string.h>

enum { ISO, PLAIN, FRACTION, YEAR, YEAR_FRACTION };

static const char *const formats[SYSLOG_TIME_KINDS] = {
    [ISO] = "iso8601",
    [PLAIN] = "%b %e %H:%M:%S",
    [FRACTION] = "%b %e %H:%M:%S.%f",
    [YEAR] = "%b %e %Y %H:%M:%S",
    [YEAR_FRACTION] = "%b %e %Y %H:%M:%S.%f",
};

int syslog_time_open(struct syslog_time *t, struct env *env, const char *zone, size_t length)
{
	const char *why;
	size_t at;
	*t = (struct syslog_time){.zone = {0}};
	for (int i = 0; i < SYSLOG_TIME_KINDS; i++) {
		int r = time_format_init(&t->formats[i], formats[i], strlen(formats[i]),
					 TIME_TO_READ, &why, &at);
		assert(r == 0);
		(void)r;
	}
	return zone_open(&t->zone, env, zone, length);
}

void syslog_time_close(struct syslog_time *t)
{
	zone_release(&t->zone);
}

static int kind_of(const struct text_span *text, const struct syslog_stamp *stamp)
{
	if (text->bytes[0] >= '0' && text->bytes[0] <= '9')
		return ISO;
	bool fraction = memchr(text->bytes, '.', text->length) != NULL;
	if (stamp->year == SYSLOG_STAMP_NO_YEAR)
		return fraction ? FRACTION : PLAIN;
	return fraction ? YEAR_FRACTION : YEAR;
}

int syslog_time_read(struct syslog_time *t, struct text_span text, const struct syslog_stamp *stamp,
		     int64_t now_ns, int64_t *ret_ns)
{
	int kind = kind_of(&text, stamp);
	return time_parse(&t->formats[kind], &t->zone, &t->caches[kind], now_ns, text.bytes,
			  text.length, ret_ns);
}
