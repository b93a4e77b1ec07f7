/* cel_time.h - timestamps and durations: nanoseconds in 64 bits, so years 1677 to 2262 and 292 years.
 *
 * Threads: any. Memory: none. Layer: stages/time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CEL_TIME_BYTES_MAX = 40 }; /* of either as text */

/* RFC 3339: 2009-02-13T23:31:30.5Z, +01:00. 0, -EINVAL, -ERANGE. */
int cel_timestamp_parse(const char *text, size_t length, int64_t *ret_ns);
size_t cel_timestamp_print(char to[static CEL_TIME_BYTES_MAX], int64_t ns);

/* 1h30m, -1.5s, 250ms, 10us, 1ns, 0. 0, -EINVAL, -ERANGE. */
int cel_duration_parse(const char *text, size_t length, int64_t *ret_ns);
/* In seconds: 5400s, -1.5s. */
size_t cel_duration_print(char to[static CEL_TIME_BYTES_MAX], int64_t ns);

/* A fixed offset to UTC: UTC, Z, +02:00, -09:30, 02:00. 0, or -EINVAL: it is none, perhaps the name of a zone. */
int cel_zone_parse(const char *text, size_t length, int64_t *ret_ns);

enum cel_part {
	CEL_FULL_YEAR,
	CEL_MONTH,        /* from 0 */
	CEL_DATE,         /* from 1 */
	CEL_DAY_OF_MONTH, /* from 0 */
	CEL_DAY_OF_WEEK,  /* Sunday is 0 */
	CEL_DAY_OF_YEAR,  /* from 0 */
	CEL_HOURS,
	CEL_MINUTES,
	CEL_SECONDS,
	CEL_MILLISECONDS,
};

/* What a clock at that offset to UTC shows. */
int64_t cel_timestamp_part(int64_t ns, int64_t zone_ns, enum cel_part part);

/* The whole duration in hours, minutes, seconds; but of CEL_MILLISECONDS those within its second. */
int64_t cel_duration_part(int64_t ns, enum cel_part part);
