#include "stages/json/json_number.h"

#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	/* A double's nearest neighbours part within 768 digits: what follows matters only by being 0 or not. */
	DIGITS_MAX = 800,
	EXPONENT_MAX = 99999, /* far beyond what any double has, as is every larger one */
	EXACT_DIGITS = 15,    /* below 2^53 */
	EXACT_POWER = 22,     /* 10^22 is the last power of ten that is a double */
};

/* 0.DIGITS x 10^exponent */
struct decimal {
	bool negative;
	unsigned count; /* of digits; the first is not 0 */
	int64_t exponent;
	char digits[DIGITS_MAX + 1];
};

static locale_t c_locale;

static __attribute__((constructor)) void take_c_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

enum value_type json_integer_type(const uint8_t *digits, size_t count, bool negative)
{
	const char *int_max = negative ? "9223372036854775808" : "9223372036854775807";
	if (count < 19 || (count == 19 && memcmp(digits, int_max, 19) <= 0))
		return VALUE_INT;
	if (negative || count > 20)
		return VALUE_DOUBLE;
	return count == 19 || memcmp(digits, "18446744073709551615", 20) <= 0 ? VALUE_UINT
									      : VALUE_DOUBLE;
}

static uint64_t digits_to_uint(const uint8_t *digits, const uint8_t *end)
{
	uint64_t n = 0;
	for (; digits < end; digits++)
		n = n * 10 + (uint64_t)(*digits - '0');
	return n;
}

static void add_digit(struct decimal *d, uint8_t digit, bool fraction)
{
	if (d->count == 0 && digit == '0') {
		d->exponent -= fraction;
		return;
	}
	if (d->count < DIGITS_MAX)
		d->digits[d->count++] = (char)digit;
	else if (digit != '0')
		d->digits[DIGITS_MAX - 1] = '1'; /* not 0: more than what stands before it */
	d->exponent += !fraction;
}

/* The exponent behind the e, cut off where it no longer matters: a number has less than 2^32 digits. */
static int64_t exponent_of(const uint8_t *p, const uint8_t *end)
{
	const int64_t enough = INT64_C(1) << 40;
	const bool negative = *p == '-';
	int64_t n = 0;
	for (p += *p == '-' || *p == '+'; p < end; p++) {
		n = n * 10 + (*p - '0');
		if (n > enough)
			n = enough;
	}
	return negative ? -n : n;
}

static void read_decimal(struct decimal *d, const uint8_t *p, const uint8_t *end)
{
	bool fraction = false;
	d->negative = *p == '-';
	d->count = 0;
	d->exponent = 0;
	for (p += d->negative; p < end && (*p | 0x20) != 'e'; p++) {
		if (*p == '.')
			fraction = true;
		else
			add_digit(d, *p, fraction);
	}
	if (p < end)
		d->exponent += exponent_of(p + 1, end);
}

/* Few digits and a small power of ten: both are doubles, and one operation on them is rounded once (W. Clinger, "How to
 * read floating point numbers accurately", 1990). */
static bool exact_double(const struct decimal *d, double *ret)
{
	static const double powers[EXACT_POWER + 1] = {
	    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	const int64_t power = d->exponent - d->count;
	if (d->count > EXACT_DIGITS || power < -EXACT_POWER || power > EXACT_POWER)
		return false;
	const uint8_t *digits = (const uint8_t *)d->digits;
	double n = (double)digits_to_uint(digits, digits + d->count);
	*ret = power < 0 ? n / powers[-power] : n * powers[power];
	return true;
}

static double any_double(struct decimal *d)
{
	char text[DIGITS_MAX + 32];
	int64_t exponent = d->exponent;
	if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
		exponent = exponent < 0 ? -EXPONENT_MAX : EXPONENT_MAX;
	d->digits[d->count] = 0;
	snprintf(text, sizeof text, "0.%se%d", d->digits, (int)exponent);
	return strtod_l(text, NULL, c_locale);
}

static int decode_double(struct value *v)
{
	struct decimal d;
	double n = 0;
	read_decimal(&d, v->bytes, v->bytes + v->length);
	if (d.count > 0 && !exact_double(&d, &n))
		n = any_double(&d);
	if (!isfinite(n))
		return -ERANGE;
	*v = (struct value){.d = d.negative ? -n : n, .type = VALUE_DOUBLE};
	return 0;
}

int json_decode_number(struct value *v)
{
	assert(v->form == VALUE_DIGITS && v->length > 0);
	const uint8_t *end = v->bytes + v->length;
	if (v->type == VALUE_DOUBLE)
		return decode_double(v);
	const bool negative = v->bytes[0] == '-';
	uint64_t n = digits_to_uint(v->bytes + negative, end);
	if (v->type == VALUE_UINT)
		*v = (struct value){.u = n, .type = VALUE_UINT};
	else
		*v = (struct value){.i = (int64_t)(negative ? -n : n), .type = VALUE_INT};
	return 0;
}
