#include "conf/printable.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

static size_t length_of(const char *bytes)
{
	return printable_length(bytes, strlen(bytes));
}

Test(printable, characters_of_every_length_are_whole)
{
	cr_assert_eq(length_of("az"), 1);
	cr_assert_eq(length_of(" "), 1);
	cr_assert_eq(length_of("\u00a0z"), 2);
	cr_assert_eq(length_of("\u00e9"), 2);
	cr_assert_eq(length_of("\u20ac"), 3);
	cr_assert_eq(length_of("\U0001f600z"), 4);
	cr_assert_eq(length_of("\U0010ffff"), 4);
}

Test(printable, controls_are_not)
{
	for (int c = 0; c < 0x20; c++)
		cr_assert_eq(printable_length((char[]){(char)c, 'z'}, 2), 0);
	cr_assert_eq(length_of("\x7f"), 0);
	cr_assert_eq(length_of("\xc2\x80"), 0);
	cr_assert_eq(length_of("\xc2\x9b"), 0, "CSI, as one character");
}

Test(printable, what_is_no_utf8_is_not)
{
	static const char *const bad[] = {
	    "\x80",             /* a continuation without a beginning */
	    "\xc3",             /* cut */
	    "\xc3z",            /* not continued */
	    "\xe2\x82",         /* cut */
	    "\xe2\x82z",        /* not continued to its end */
	    "\xc0\xaf",         /* longer than need be */
	    "\xe0\x80\xaf",     /* the same */
	    "\xf0\x80\x80\xaf", /* the same */
	    "\xed\xa0\x80",     /* half of a pair of UTF-16 */
	    "\xf4\x90\x80\x80", /* beyond the last character */
	    "\xf5\x80\x80\x80",
	    "\xff",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert_eq(length_of(bad[i]), 0, "number %zu", i);
}

/* The rule by another way: decode, then see whether that character is written so. */
static size_t expected(const uint8_t b[3])
{
	if (b[0] < 0x80)
		return b[0] >= 0x20 && b[0] != 0x7f;
	unsigned two = (b[0] & 0x1fu) << 6 | (b[1] & 0x3fu);
	if (b[0] >> 5 == 6 && b[1] >> 6 == 2)
		return two >= 0xa0 ? 2 : 0;
	unsigned three = (b[0] & 0xfu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
	if (b[0] >> 4 == 14 && b[1] >> 6 == 2 && b[2] >> 6 == 2)
		return three >= 0x800 && (three < 0xd800 || three > 0xdfff) ? 3 : 0;
	return 0;
}

Test(printable, all_of_three_bytes_are_as_decoding_says)
{
	for (unsigned i = 0; i < 1u << 24; i += i % 7 + 1) {
		uint8_t b[3] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
		cr_assert_eq(printable_length((const char *)b, 3), expected(b), "%06x", i);
	}
}
