/* units.h - numbers as users type them: 5, 64KiB, 1h30m, 1000/s.
 *
 * All end at 2^63 - 1, so that sums and deadlines made of two of them cannot wrap. No sign, no fraction, no space.
 * Threads: any. Memory: none. Layer: libc only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Each: 0; -EINVAL not of that form; -EDOM a whole number other than 0 without the unit it needs; -ERANGE too large;
 * *ret_value is untouched on failure. */
int units_count(const char *typed, size_t length, uint64_t *ret_value);
/* Bytes. B; KB MB GB TB are powers of 1000; KiB MiB GiB TiB of 1024. */
int units_size(const char *typed, size_t length, uint64_t *ret_bytes);
/* Nanoseconds. ns us ms s m h d, one after the other: 1h30m. */
int units_duration(const char *typed, size_t length, uint64_t *ret_ns);
/* Per second, from N/s N/m N/h; -ENOTSUP when that is no whole number. */
int units_rate(const char *typed, size_t length, uint64_t *ret_per_second);

/* Regular expressions (ECMA 262) that match what these accept as texts, for JSON Schema. */
extern const char units_size_pattern[];
extern const char units_duration_pattern[];
extern const char units_rate_pattern[];

/* The value in the largest unit that it is a whole number of. */
enum { UNITS_TEXT_ROOM = 32 };
void units_print_size(char text[UNITS_TEXT_ROOM], uint64_t bytes);
void units_print_duration(char text[UNITS_TEXT_ROOM], uint64_t ns);
