/* cel_number.h - numbers from text and as text, the same whatever the locale (nothing here sets one).
 *
 * Threads: any. Memory: none. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CEL_NUMBER_BYTES_MAX = 32,        /* of any number as text */
	CEL_DOUBLE_TEXT_BYTES_MAX = 1024, /* of a number with a fraction or exponent that is read */
};

/* Digits in base 10 or 16, nothing else. 0, -EINVAL, -ERANGE. */
int cel_uint_parse(const char *text, size_t length, unsigned base, uint64_t *ret_u);

/* Of so many digits and a sign 64 bits hold any number. */
enum { CEL_SHORT_DIGITS_MAX = 18 };

/* Digits, at most CEL_SHORT_DIGITS_MAX of them, with or without a - before: what almost all numbers of records are. False when there
 * is anything else. */
static inline bool cel_short_int(const uint8_t *text, size_t length, int64_t *ret_i)
{
	const bool negative = length > 0 && *text == '-';
	const size_t digits = length - negative;
	int64_t i = 0;
	if (digits - 1 >= CEL_SHORT_DIGITS_MAX)
		return false;
	for (size_t k = negative; k < length; k++) {
		const uint8_t digit = (uint8_t)(text[k] - '0');
		if (digit > 9)
			return false;
		i = i * 10 + digit;
	}
	*ret_i = negative ? -i : i;
	return true;
}

/* As cel_uint_parse(), with a sign before, + or -. */
int cel_int_parse(const char *text, size_t length, unsigned base, int64_t *ret_i);

/* [+-] digits [. digits] [e [+-] digits], also `.5` and `5.`. 0, -EINVAL, -ERANGE when it is larger than any double, -E2BIG
 * when it is longer than CEL_DOUBLE_TEXT_BYTES_MAX and not short in value. */
int cel_double_parse(const char *text, size_t length, double *ret_d);

/* As text, without a NUL: how many bytes. The shortest text that reads back as the same double; NaN, +Inf, -Inf. */
size_t cel_int_print(char to[static CEL_NUMBER_BYTES_MAX], int64_t i);
size_t cel_uint_print(char to[static CEL_NUMBER_BYTES_MAX], uint64_t u);
size_t cel_double_print(char to[static CEL_NUMBER_BYTES_MAX], double d);
