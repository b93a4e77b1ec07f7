/* time_names.h - months and days of the week in English, as times have them.
 *
 * Threads: any. Memory: static. Layer: libc only. */
#pragma once

#include <stdint.h>

enum { MONTH_NAMES = 12, WEEKDAY_NAMES = 7, NAME_ABBREVIATED = 3 };

extern const char *const month_names[MONTH_NAMES];     /* January first */
extern const char *const weekday_names[WEEKDAY_NAMES]; /* Sunday first */

/* Reads one of them, abbreviated to three letters or whole, in any case; *at moves behind it. Its index; -1: none is there. */
int time_read_month_name(const uint8_t **at, const uint8_t *end);
int time_read_weekday_name(const uint8_t **at, const uint8_t *end);
