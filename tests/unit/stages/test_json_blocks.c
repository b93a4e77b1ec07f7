#include "stages/json/json_blocks.h"

#include "stages/json/json_utf8.h"
#include "tests/unit/stages/each_json_kernels.h"
#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>

static void expect_masks(const uint8_t *bytes, size_t length)
{
	static struct json_masks m;
	memset(&m, 0xee, sizeof m);
	struct json_some some = json_kernels->masks(bytes, length, &m), want = {0};
	for (size_t i = 0; i < (length + 63) / 64 * 64; i++) {
		uint8_t byte = i < length ? bytes[i] : ' ';
		uint64_t bit = (uint64_t)1 << i % 64;
		cr_assert(!(m.quotes[i / 64] & bit) == (byte != '"'), "%s: %zu of %zu",
			  json_kernels->name, i, length);
		cr_assert(!(m.backslashes[i / 64] & bit) == (byte != '\\'));
		cr_assert(!(m.controls[i / 64] & bit) == (byte >= 0x20));
		want.backslashes |= byte == '\\';
		want.controls |= byte < 0x20;
		want.high |= byte >= 0x80;
	}
	cr_assert(!some.backslashes == !want.backslashes && !some.controls == !want.controls &&
		  !some.high == !want.high);
}

Test(json_blocks, every_byte_is_found_at_every_place_and_none_outside_is_read)
{
	EACH_JSON_KERNELS(k)
	{
		uint8_t bytes[64];
		for (unsigned byte = 0; byte < 256; byte++) {
			for (size_t at = 0; at < sizeof bytes; at++) {
				memset(bytes, 'x', sizeof bytes);
				bytes[at] = (uint8_t)byte;
				expect_masks(bytes, sizeof bytes);
			}
		}
	}
}

Test(json_blocks, random_bytes_of_every_length_are_found_as_plainly)
{
	static uint8_t bytes[JSON_WINDOW_BYTES];
	uint64_t seed = 7;
	EACH_JSON_KERNELS(k)
	{
		for (size_t length = 1; length <= JSON_WINDOW_BYTES;
		     length += length < 300 ? 1 : 61) {
			dice_fill(&seed, bytes, length, "aaaa\"\\\x01\x1f \x80\xff\x22\x5c!#[]");
			expect_masks(guarded_at_end(bytes, length), length);
			expect_masks(guarded_at_start(bytes, length), length);
		}
	}
}

static bool plainly_utf8(const uint8_t *bytes, size_t length)
{
	return utf8_valid_prefix(bytes, length) == length;
}

static void compare_utf8(const uint8_t *bytes, size_t length)
{
	bool want = plainly_utf8(bytes, length);
	EACH_JSON_KERNELS(k)
	cr_assert(k->is_utf8(guarded_at_end(bytes, length), length) == want,
		  "%s: %zu bytes: not %d", k->name, length, want);
}

/* Each of three bytes with each, and a fourth from every class there is. */
Test(json_blocks, every_beginning_of_a_character_is_judged_as_plainly)
{
	static const uint8_t fourth[] = {' ', 0x80, 0xbf, 0xc3, 0xff};
	EACH_JSON_KERNELS(k)
	{
		for (unsigned n = 0; n < 1u << 24; n += n % 31 + 1) {
			uint8_t bytes[40];
			memset(bytes, 'x', sizeof bytes);
			size_t at = 29 + n % 5; /* across steps of 16 and 32 */
			bytes[at] = (uint8_t)(0x80 | n >> 16);
			bytes[at + 1] = (uint8_t)(n >> 8);
			bytes[at + 2] = (uint8_t)n;
			bytes[at + 3] = fourth[n % sizeof fourth];
			cr_assert(k->is_utf8(bytes, sizeof bytes) ==
				  plainly_utf8(bytes, sizeof bytes));
		}
	}
}

Test(json_blocks, random_utf8_of_every_length_is_judged_as_plainly)
{
	static const char *const pieces[] = {"x",
					     "\xc3\xa9",
					     "\xe2\x82\xac",
					     "\xf0\x9f\x98\x80",
					     "\xed\x9f\xbf",
					     "\xf4\x8f\xbf\xbf",
					     "plain ascii text"};
	uint64_t seed = 9;
	for (int i = 0; i < 100000; i++) {
		uint8_t bytes[160];
		size_t length = 0, most = dice_below(&seed, 140);
		while (length < most) {
			const char *piece = pieces[dice_below(&seed, 7)];
			memcpy(bytes + length, piece, strlen(piece));
			length += strlen(piece);
		}
		if (dice_below(&seed, 2) && length)
			bytes[dice_below(&seed, length)] ^= (uint8_t)(1 << dice_below(&seed, 8));
		if (dice_below(&seed, 4) == 0 && length)
			length--;
		compare_utf8(bytes, length);
	}
}
