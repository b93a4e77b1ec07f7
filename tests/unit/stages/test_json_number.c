#include "stages/json/json_number.h"

#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Its type, from text that a brace ends. */
static struct value number(const char *text)
{
	static uint8_t bytes[70000];
	size_t length = strlen(text);
	enum value_type type = VALUE_MISSING;
	memcpy(bytes, text, length);
	bytes[length] = '}';
	const uint8_t *end = json_number_end(bytes, bytes + length + 1, &type);
	cr_assert(end == bytes + length, "%s", text);
	return (struct value){.bytes = bytes,
			      .length = (uint32_t)length,
			      .type = (uint8_t)type,
			      .form = VALUE_DIGITS};
}

static bool same_double(double a, double b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

static void expect_double(const char *text)
{
	struct value v = number(text);
	double want = strtod(text, NULL);
	cr_assert(v.type == VALUE_DOUBLE, "%s", text);
	if (isinf(want)) {
		cr_assert(json_decode_number(&v) == -ERANGE && v.form == VALUE_DIGITS, "%s", text);
		return;
	}
	cr_assert(json_decode_number(&v) == 0 && v.form == VALUE_PLAIN);
	cr_assert(same_double(v.d, want), "%s: %.17g, not %.17g", text, v.d, want);
}

Test(json_number, integers_are_exact_up_to_both_ends)
{
	static const char *const ints[] = {"0",
					   "-0",
					   "7",
					   "-7",
					   "999999999999999999",
					   "1000000000000000000",
					   "9223372036854775807",
					   "-9223372036854775808"};
	for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
		struct value v = number(ints[i]);
		cr_assert(v.type == VALUE_INT, "%s", ints[i]);
		cr_assert(json_decode_number(&v) == 0 && v.i == strtoll(ints[i], NULL, 10));
	}
	static const char *const uints[] = {"9223372036854775808", "10000000000000000000",
					    "18446744073709551615"};
	for (size_t i = 0; i < sizeof uints / sizeof *uints; i++) {
		struct value v = number(uints[i]);
		cr_assert(v.type == VALUE_UINT, "%s", uints[i]);
		cr_assert(json_decode_number(&v) == 0 && v.u == strtoull(uints[i], NULL, 10));
	}
}

Test(json_number, what_fits_no_integer_is_a_double_and_keeps_its_text)
{
	static const char *const texts[] = {"-9223372036854775809", "18446744073709551616",
					    "-18446744073709551615", "99999999999999999999",
					    "100000000000000000000000000000000000000000"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect_double(texts[i]);
}

Test(json_number, doubles_are_the_nearest_ones)
{
	static const char *const texts[] = {
	    "0.0",
	    "-0.0",
	    "0e0",
	    "-0e999999999999999999999",
	    "0.1",
	    "0.3",
	    "1.5",
	    "123.456",
	    "1e22",
	    "1e23",
	    "123456789012345e22",
	    "999999999999999e-22",
	    "9007199254740993.0",
	    "9007199254740993.00000001",
	    "1.7976931348623157e308",
	    "1.7976931348623158e308",
	    "1.7976931348623159e308",
	    "2e308",
	    "1e400",
	    "-1e400",
	    "1e99999999999999999999999",
	    "1e-99999999999999999999999",
	    "4.9e-324",
	    "2.4e-324",
	    "2.5e-324",
	    "2.2250738585072011e-308",
	    "2.2250738585072014e-308",
	    "8.98846567431158e307",
	    "0.000000000000000000000000000000000000000000000000000001e54",
	    "1e0000000000000000000001",
	    "5e-324",
	    "1.00000000000000011102230246251565404236316680908203125",
	    "1.00000000000000011102230246251565404236316680908203124",
	    "1.00000000000000011102230246251565404236316680908203126",
	    "100000000000000000000e-20"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect_double(texts[i]);
}

Test(json_number, digits_far_beyond_what_a_double_has_still_decide_a_tie)
{
	static char text[60000];
	snprintf(text, sizeof text, "1.00000000000000011102230246251565404236316680908203125");
	size_t length = strlen(text);
	memset(text + length, '0', 50000);
	expect_double(text); /* the tie itself */
	text[length + 49999] = '1';
	expect_double(text);
}

Test(json_number, zeros_without_end_are_made_good_by_an_exponent)
{
	static char text[60000] = "0.";
	memset(text + 2, '0', 50000);
	snprintf(text + 50002, 100, "15e50001");
	expect_double(text);
	memset(text, '0', 50001);
	text[0] = '1';
	snprintf(text + 50001, 100, "e-50000");
	expect_double(text);
}

Test(json_number, random_doubles_come_back_as_they_were_written)
{
	uint64_t seed = 3;
	for (int i = 0; i < 200000; i++) {
		char text[512];
		uint64_t bits = dice(&seed);
		double d;
		memcpy(&d, &bits, sizeof d);
		if (!isfinite(d))
			continue;
		snprintf(text, sizeof text, "%.*e", (int)dice_below(&seed, 25), d);
		expect_double(text);
		snprintf(text, sizeof text, "%.*f", (int)(1 + dice_below(&seed, 12)),
			 (double)(int64_t)bits / 1e12);
		expect_double(text);
	}
}

Test(json_number, eight_digits_at_once_are_counted_as_one_by_one)
{
	for (unsigned at = 0; at < 8; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			uint8_t bytes[8];
			memset(bytes, at % 2 ? '9' : '0', sizeof bytes);
			bytes[at] = (uint8_t)byte;
			bool digit = byte >= '0' && byte <= '9';
			cr_assert(json_digits8(bytes) == (digit ? 8 : at));
		}
	}
}
