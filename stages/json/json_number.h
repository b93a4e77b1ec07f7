/* json_number.h - numbers as RFC 8259 writes them: where one ends, which type holds it, what it is.
 *
 * An integer is INT when it fits in 64 bits with a sign, UINT when without, else DOUBLE, as is everything with a
 * fraction or an exponent. The text stays, whatever the type: a number of a hundred digits is written as it came.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include <stddef.h>
#include <string.h>

#include "stages/value.h"

/* INT, UINT or DOUBLE for an integer's digits without its sign. */
enum value_type json_integer_type(const uint8_t *digits, size_t count, bool negative);

/* Makes PLAIN of a number in DIGITS: the nearest double, ties to even. 0, or -ERANGE when no finite double is near: then
 * it is as it was. */
int json_decode_number(struct value *v);

/* How many of the eight bytes are digits before the first that is none. */
static inline unsigned json_digits8(const uint8_t *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	word ^= UINT64_C(0x3030303030303030); /* digits are 0 to 9 now */
	word = (((word & UINT64_C(0x7f7f7f7f7f7f7f7f)) + UINT64_C(0x7676767676767676)) | word) &
	       UINT64_C(0x8080808080808080);
	return word ? (unsigned)__builtin_ctzll(word) / 8 : 8;
}

/* The first byte that is no digit; the one before end is none. */
static inline const uint8_t *json_digits(const uint8_t *p, const uint8_t *end)
{
	while (end - p >= 8) {
		unsigned digits = json_digits8(p);
		p += digits;
		if (digits < 8)
			return p;
	}
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* The byte behind the number that begins at p; NULL when it is none. The byte before end is no part of any. */
static inline const uint8_t *json_number_end(const uint8_t *p, const uint8_t *end,
					     enum value_type *ret_type)
{
	const bool negative = *p == '-';
	const uint8_t *first = p + negative, *last = json_digits(first, end);
	if (last == first || (*first == '0' && last - first > 1))
		return NULL;
	*ret_type = last - first <= 18 ? VALUE_INT
				       : json_integer_type(first, (size_t)(last - first), negative);
	if (*last == '.') {
		first = last + 1;
		last = json_digits(first, end);
		if (last == first)
			return NULL;
		*ret_type = VALUE_DOUBLE;
	}
	if ((*last | 0x20) == 'e') {
		first = last + 1;
		first += *first == '+' || *first == '-';
		last = json_digits(first, end);
		if (last == first)
			return NULL;
		*ret_type = VALUE_DOUBLE;
	}
	return last;
}
