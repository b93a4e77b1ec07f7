#include "stages/literal.h"

#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

static const uint8_t *find_plainly(const uint8_t *needle, size_t needle_length, const uint8_t *from,
				   size_t length)
{
	for (size_t at = 0; at + needle_length <= length; at++)
		if (memcmp(from + at, needle, needle_length) == 0)
			return from + at;
	return NULL;
}

static void compare(const struct literal *l, const uint8_t *region, size_t length)
{
	const uint8_t *want = find_plainly(l->bytes, l->length, region, length);
	const uint8_t *got = literal_find(l, region, region + length);
	cr_assert(got == want, "%s: '%.*s' in %zu bytes: at %td, want %td", block_kernels->name,
		  (int)l->length, (const char *)l->bytes, length, got ? got - region : -1,
		  want ? want - region : -1);
}

static void compare_guarded(const struct literal *l, const uint8_t *bytes, size_t length)
{
	compare(l, guarded_at_end(bytes, length), length);
	compare(l, guarded_at_start(bytes, length), length);
}

Test(literal, every_short_needle_is_found_first_in_every_short_region)
{
	uint8_t needle[4], region[10];
	struct literal l;
	for (size_t n = 1; n <= sizeof(needle); n++) {
		for (size_t i = 0; i < spellings(n, "ab"); i++) {
			spell(i, needle, n, "ab");
			literal_prepare(&l, needle, n);
			for (size_t length = 0; length <= sizeof(region); length++) {
				for (size_t j = 0; j < spellings(length, "ab"); j++) {
					spell(j, region, length, "ab");
					compare_guarded(&l, region, length);
				}
			}
		}
	}
}

Test(literal, a_needle_is_found_wherever_it_stands)
{
	const char *const needles[] = {"x", "xy", " 500 ", "Segmentation fault",
				       "aaaaaaaaaaaaaaaaaaax"};
	uint8_t region[300];
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		for (size_t i = 0; i < sizeof(needles) / sizeof(*needles); i++) {
			struct literal l;
			size_t length = strlen(needles[i]);
			literal_prepare(&l, needles[i], length);
			for (size_t at = 0; at + length <= sizeof(region); at++) {
				memset(region, 'a', sizeof(region));
				memcpy(region + at, needles[i], length);
				compare_guarded(&l, region, sizeof(region));
				compare_guarded(&l, region, at + length);
				compare_guarded(&l, region, at + length - 1);
			}
		}
	}
}

Test(literal, random_regions_agree_with_a_plain_search)
{
	const char *const alphabets[] = {"ab", "aaaaaaaaab", " 0123456789", "\x01\xff",
					 "e \"5/GET"};
	uint8_t needle[200], region[1500];
	uint64_t seed = 1;
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		for (int i = 0; i < 5000; i++) {
			const char *alphabet = alphabets[dice_below(&seed, 5)];
			size_t longest = dice_below(&seed, 4) ? 6 : sizeof(needle);
			size_t n = 1 + dice_below(&seed, longest);
			size_t length = dice_below(&seed, sizeof(region) + 1);
			struct literal l;
			dice_fill(&seed, region, length, alphabet);
			dice_fill(&seed, needle, n, alphabet);
			if (n < length && dice_below(&seed, 2)) /* one that is there */
				memcpy(needle, region + dice_below(&seed, length - n), n);
			literal_prepare(&l, needle, n);
			compare_guarded(&l, region, length);
		}
	}
}

Test(literal, every_byte_value_can_be_searched)
{
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		for (unsigned byte = 0; byte < 256; byte++) {
			uint8_t needle[2] = {(uint8_t)byte, (uint8_t)(byte ^ 0x80)}, region[256];
			struct literal l;
			for (unsigned i = 0; i < 256; i++)
				region[i] = (uint8_t)(i * 3);
			memcpy(region + 150, needle, 2);
			literal_prepare(&l, needle, 2);
			compare_guarded(&l, region, 256);
			literal_prepare(&l, needle, 1);
			compare_guarded(&l, region, 256);
			needle[1] = needle
			    [0]; /* not there, were it not for what a region is filled up with */
			literal_prepare(&l, needle, 2);
			compare_guarded(&l, region, 200);
		}
	}
}

Test(literal, the_bytes_compared_are_two_different_places)
{
	struct literal l;
	for (size_t length = 2; length < 6; length++) {
		literal_prepare(&l, "eeeee", length);
		cr_assert(l.rare_first < l.rare_second && l.rare_second < length);
	}
	literal_prepare(&l, "e e~e", 5);
	cr_assert(l.rare_first == 3 || l.rare_second == 3);
	literal_prepare(&l, "e", 1);
	cr_assert(l.rare_first == 0 && l.rare_second == 0);
}

/* Every other position is a candidate that differs only after 64 KiB: verified one by one, that is 10^11 bytes. */
Test(literal, a_region_of_near_misses_takes_linear_time)
{
	enum { REGION = 4 << 20, NEEDLE = 64 << 10 };
	uint8_t *region = malloc(REGION), *needle = malloc(NEEDLE);
	cr_assert(region && needle);
	for (size_t i = 0; i < REGION; i++)
		region[i] = i % 2 ? 'e' : 'd';
	memcpy(needle, region, NEEDLE);
	needle[NEEDLE - 2] = 'e';
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		struct literal l;
		literal_prepare(&l, needle, NEEDLE);
		clock_t start = clock();
		cr_assert_null(literal_find(&l, region, region + REGION));
		cr_assert_lt((double)(clock() - start) / CLOCKS_PER_SEC, 0.5);
	}
	memcpy(region + REGION - NEEDLE, needle, NEEDLE);
	struct literal l;
	literal_prepare(&l, needle, NEEDLE);
	cr_assert_eq(literal_find(&l, region, region + REGION), region + REGION - NEEDLE);
	free(region);
	free(needle);
}
