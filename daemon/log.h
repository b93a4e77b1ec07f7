/* log.h - the daemon's own log: one line an event, to stderr, as text or JSON.
 *
 *   2026-11-21T10:15:00.123Z warn access: file unreadable path=/var/log/x error="Permission denied"
 *   {"time":"2026-11-21T10:15:00.123Z","level":"warn","stage":"access","event":"file unreadable","path":"/var/log/x",...}
 *
 * Formats are `key=value` pairs separated by single spaces; a value is literal text and conversions (%s %.*s %d %u %x
 * %c with h, l, ll, z, j). What %s brings is quoted, controls and bytes that are no UTF-8 escaped, so that
 * record content never reaches a terminal raw.
 *
 * Threads: any; a line is one write(2). Memory: none kept. Layer: daemon. */
#pragma once

#include "conf/topology.h"

#include <stdarg.h>

void log_setup(enum log_level least, enum log_format format);

/* stage may be NULL: the daemon itself. */
void log_line(enum log_level level, const char *stage, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void log_line_va(enum log_level level, const char *stage, const char *event, const char *format,
		 va_list args) __attribute__((format(printf, 4, 0)));

/* Called before and after each line, so that a progress bar can step aside. NULL: nothing. */
void log_set_frame(void (*before)(void), void (*after)(void));
