#include "stages/cel/cel_number.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to these, powers of ten and whole numbers are exact in a double, and so is one product or quotient of them rounded. */
enum { EXACT_POWER = 22, EXACT_DIGITS = 15 };

static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
					       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
					       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

int cel_uint_parse(const char *text, size_t length, unsigned base, uint64_t *ret_u)
{
	uint64_t u = 0;
	bool large = false;
	if (length == 0)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		unsigned digit = digit_of(text[i]);
		if (digit >= base)
			return -EINVAL;
		large |= __builtin_mul_overflow(u, (uint64_t)base, &u);
		large |= __builtin_add_overflow(u, (uint64_t)digit, &u);
	}
	if (large)
		return -ERANGE;
	*ret_u = u;
	return 0;
}

int cel_int_parse(const char *text, size_t length, unsigned base, int64_t *ret_i)
{
	bool negative = length > 0 && text[0] == '-';
	bool sign = negative || (length > 0 && text[0] == '+');
	uint64_t u;
	int r = cel_uint_parse(text + sign, length - sign, base, &u);
	if (r < 0)
		return r;
	if (u > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ret_i = (int64_t)(negative ? 0 - u : u);
	return 0;
}

/* What a decimal number is made of, as far as the short way needs it. */
struct decimal {
	uint64_t digits; /* the first EXACT_DIGITS that count */
	size_t counted;
	long exponent; /* of ten, to be applied to digits */
	bool negative;
};

static size_t read_digits(struct decimal *d, const char *text, size_t length, size_t i,
			  bool fraction)
{
	for (; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
		if (d->counted > 0 || text[i] != '0')
			d->counted++;
		if (d->counted <= EXACT_DIGITS)
			d->digits = d->digits * 10 + (uint64_t)(text[i] - '0');
		if (fraction)
			d->exponent--;
	}
	return i;
}

static int read_exponent(struct decimal *d, const char *text, size_t length)
{
	enum { LIMIT = 100000 };
	bool negative = length > 0 && text[0] == '-';
	size_t i = length > 0 && (text[0] == '-' || text[0] == '+');
	long exponent = 0;
	if (i == length)
		return -EINVAL;
	for (; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (exponent < LIMIT)
			exponent = exponent * 10 + (text[i] - '0');
	}
	d->exponent += negative ? -exponent : exponent;
	return 0;
}

static int read_decimal(struct decimal *d, const char *text, size_t length)
{
	*d = (struct decimal){.negative = length > 0 && text[0] == '-'};
	size_t start = d->negative || (length > 0 && text[0] == '+');
	size_t i = read_digits(d, text, length, start, false);
	size_t whole = i - start, fraction = 0;
	if (i < length && text[i] == '.') {
		size_t from = ++i;
		i = read_digits(d, text, length, i, true);
		fraction = i - from;
	}
	if (whole + fraction == 0)
		return -EINVAL;
	if (i == length)
		return 0;
	if (text[i] != 'e' && text[i] != 'E')
		return -EINVAL;
	return read_exponent(d, text + i + 1, length - i - 1);
}

static int parse_slowly(const char *text, size_t length, double *ret_d)
{
	char copy[CEL_DOUBLE_TEXT_BYTES_MAX + 1];
	if (length > CEL_DOUBLE_TEXT_BYTES_MAX)
		return -E2BIG;
	memcpy(copy, text, length);
	copy[length] = 0;
	double d = strtod(copy, NULL);
	if (__builtin_isinf(d))
		return -ERANGE;
	*ret_d = d;
	return 0;
}

int cel_double_parse(const char *text, size_t length, double *ret_d)
{
	struct decimal d;
	int r = read_decimal(&d, text, length);
	if (r < 0)
		return r;
	if (d.counted > EXACT_DIGITS || d.exponent < -EXACT_POWER || d.exponent > EXACT_POWER)
		return parse_slowly(text, length, ret_d);
	double value = (double)d.digits;
	value = d.exponent < 0 ? value / powers[-d.exponent] : value * powers[d.exponent];
	*ret_d = d.negative ? -value : value;
	return 0;
}

size_t cel_uint_print(char to[static CEL_NUMBER_BYTES_MAX], uint64_t u)
{
	char reversed[CEL_NUMBER_BYTES_MAX];
	size_t n = 0;
	do
		reversed[n++] = (char)('0' + u % 10);
	while ((u /= 10) > 0);
	for (size_t i = 0; i < n; i++)
		to[i] = reversed[n - 1 - i];
	return n;
}

size_t cel_int_print(char to[static CEL_NUMBER_BYTES_MAX], int64_t i)
{
	if (i >= 0)
		return cel_uint_print(to, (uint64_t)i);
	char digits[CEL_NUMBER_BYTES_MAX];
	size_t n = cel_uint_print(digits, 0 - (uint64_t)i);
	to[0] = '-';
	memcpy(to + 1, digits, n);
	return n + 1;
}

static size_t print_word(char *to, const char *word)
{
	size_t n = 0;
	for (; word[n]; n++)
		to[n] = word[n];
	return n;
}

size_t cel_double_print(char to[static CEL_NUMBER_BYTES_MAX], double d)
{
	enum { DIGITS_ALWAYS_KEPT = 15, DIGITS_ENOUGH = 17 };
	if (__builtin_isnan(d))
		return print_word(to, "NaN");

	if (__builtin_isinf(d))
		return print_word(to, d < 0 ? "-Inf" : "+Inf");

	int n = 0;
	for (int digits = DIGITS_ALWAYS_KEPT; digits <= DIGITS_ENOUGH; digits++) {
		n = snprintf(to, CEL_NUMBER_BYTES_MAX, "%.*g", digits, d);
		if (strtod(to, NULL) == d)
			break;
	}
	return (size_t)n;
}
