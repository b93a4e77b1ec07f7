/* time_format.h - how a moment is written: compiled from the text that a topology has, checked to its last byte.
 *
 *	rfc3339, iso8601        2000-10-10T20:55:36Z  2000-10-10 13:55:36,5-0700
 *	unix                    971211336  971211336.5  -1        seconds since 1970
 *	unix_ms unix_us unix_ns 971211336000
 *	common_log              10/Oct/2000:13:55:36 -0700
 *	rfc3164                 Oct  1 22:14:15                   no year
 *	rfc2822                 Tue, 10 Oct 2000 13:55:36 -0700
 *	a pattern               %Y-%m-%d %H:%M:%S.%L
 *
 * Conversions of a pattern; names are English, and read in whatever case:
 *
 *	            read                                     written
 *	%Y          four digits                              four     
 *	%y          two: 69 to 99 are 1969 to 1999           two
 *	%m %M %S    one or two                               two
 *	%d %H %I    one or two, or a space and one           two
 *	%e %k %l    the same                                 a space instead of a leading 0
 *	%j          one to three                             three
 *	%b %h %B    Oct or October                           %B October, else Oct
 *	%a %A       Tue or Tuesday; not compared to the date %A Tuesday, %a Tue
 *	%p          AM or PM                                 the same
 *	%z %:z      Z, +hh, +hhmm, +hh:mm                    +hhmm; %:z: +hh:mm
 *	%Z          UTC, GMT, Z                              -
 *	%s          seconds since 1970                       the same; read with a -, a fraction counts down, too
 *	%f          any digits of a fraction                 six
 *	%L, %N      three, nine                              the same
 *	%G %V %u %w -                                        ISO 8601's year, week, day (Monday 1); day (Sunday 0)
 *	%n %t       any white space, also none               a newline, a tab
 *	%T %D %F %R %r   %H:%M:%S  %m/%d/%y  %Y-%m-%d  %H:%M  %I:%M:%S %p
 *	%%          a percent sign
 *
 * All other bytes stand for themselves, a space for one space. Nothing is said twice, nothing is left open: what is read says the
 * day, perhaps without its year, or seconds since 1970; a time of day from its hours on, or none: midnight.
 *
 * Threads: any once made. Memory: none, it may be copied. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIME_STEPS_MAX = 120 };

enum time_use { TIME_TO_READ, TIME_TO_WRITE };

/* A conversion by its letter, or a byte that stands for itself. %:z has the letter ':'. */
struct time_step {
	char letter; /* 0: none */
	uint8_t byte;
};

struct time_format {
	enum { TIME_PATTERN, TIME_RFC3339, TIME_RFC2822, TIME_UNIX } kind;
	int64_t unit_ns; /* UNIX */
	/* PATTERN, RFC2822 as it is written */
	uint8_t count;
	uint8_t
	    date_count; /* these first ones say a day, the last of them is a byte; 0: they do not */
	struct time_step steps[TIME_STEPS_MAX];
};

/* 0, or -EINVAL: *ret_why says in words what is wrong, *ret_at is the offset of the mistake. */
int time_format_init(struct time_format *f, const char *text, size_t length, enum time_use use,
		     const char **ret_why, size_t *ret_at);
