#include "stages/literals.h"

#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { STRINGS_MAX = 3000 };

static struct literal_bytes strings[STRINGS_MAX];

static bool stands_at(const struct literal_bytes *s, const uint8_t *at, const uint8_t *end)
{
	return s->length <= (size_t)(end - at) && memcmp(at, s->bytes, s->length) == 0;
}

static const uint8_t *find_plainly(size_t count, const uint8_t *from, const uint8_t *end)
{
	for (; from < end; from++)
		for (size_t i = 0; i < count; i++)
			if (stands_at(&strings[i], from, end))
				return from;
	return NULL;
}

static bool one_of_length_stands_at(size_t count, size_t length, const uint8_t *at,
				    const uint8_t *end)
{
	for (size_t i = 0; i < count; i++)
		if (strings[i].length == length && stands_at(&strings[i], at, end))
			return true;
	return false;
}

static void compare(const struct literals *l, size_t count, const uint8_t *region, size_t length)
{
	const uint8_t *end = region + length;
	const uint8_t *want = find_plainly(count, region, end);
	size_t found = 0;
	const uint8_t *got = literals_find(l, region, end, &found);
	cr_assert(got == want, "%s: %zu strings in %zu bytes: at %td, want %td",
		  block_kernels->name, count, length, got ? got - region : -1,
		  want ? want - region : -1);
	cr_assert(!got || one_of_length_stands_at(count, found, got, end));
}

static void compare_guarded(const struct literals *l, size_t count, const uint8_t *bytes,
			    size_t length)
{
	compare(l, count, guarded_at_end(bytes, length), length);
	compare(l, count, guarded_at_start(bytes, length), length);
}

static struct literals *prepare(size_t count)
{
	struct literals *l = NULL;
	cr_assert_eq(literals_prepare(&l, strings, count), 0);
	return l;
}

/* Copies, so that a read beyond a string is caught. */
static void set_string(size_t i, const void *bytes, size_t length)
{
	free((void *)(uintptr_t)strings[i].bytes);
	void *copy = malloc(length);
	cr_assert(copy);
	memcpy(copy, bytes, length);
	strings[i] = (struct literal_bytes){copy, length};
}

static void drop_strings(void)
{
	for (size_t i = 0; i < STRINGS_MAX; i++)
		free((void *)(uintptr_t)strings[i].bytes);
	memset(strings, 0, sizeof(strings));
}

Test(literals, no_string_or_an_empty_one_is_refused)
{
	struct literals *l = NULL;
	const struct literal_bytes bad[2] = {{"a", 1}, {"", 0}};
	cr_assert_eq(literals_prepare(&l, bad, 0), -EINVAL);
	cr_assert_eq(literals_prepare(&l, bad, 2), -EINVAL);
	cr_assert_null(l);
}

/* Pads the set with strings that do not occur, so that the same cases also run through the automaton. */
static size_t pad_strings(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		char text[16];
		int length = snprintf(text, sizeof(text), "~%zu", i);
		set_string(i, text, (size_t)length);
	}
	return to;
}

static void compare_all_short(size_t padded)
{
	uint8_t text[8];
	/* every set of up to three of the 14 strings of one to three letters */
	for (size_t set = 0; set < 14 * 14 * 14; set++) {
		size_t numbers[3] = {set % 14, set / 14 % 14, set / 196};
		for (size_t i = 0; i < 3; i++) {
			size_t n = numbers[i], length = n < 2 ? 1 : n < 6 ? 2 : 3;
			spell(n - (length == 1 ? 0u : length == 2 ? 2u : 6u), text, length, "ab");
			set_string(i, text, length);
		}
		size_t count = pad_strings(3, padded);
		struct literals *l = prepare(count);
		for (size_t length = 0; length <= 6; length++) {
			for (size_t n = 0; n < spellings(length, "ab"); n++) {
				spell(n, text, length, "ab");
				compare(l, 3, guarded_at_end(text, length), length);
			}
		}
		literals_free(l);
	}
	drop_strings();
}

Test(literals, a_few_are_found_leftmost_in_every_short_region)
{
	compare_all_short(3);
}

Test(literals, many_are_found_leftmost_in_every_short_region)
{
	compare_all_short(65);
}

static void compare_random(uint64_t *seed, size_t count, size_t longest, const char *alphabet)
{
	uint8_t text[2000];
	for (size_t i = 0; i < count; i++) {
		size_t length = 1 + dice_below(seed, longest);
		dice_fill(seed, text, length, alphabet);
		set_string(i, text, length);
	}
	struct literals *l = prepare(count);
	for (int i = 0; i < 20; i++) {
		size_t length = dice_below(seed, dice_below(seed, 2) ? 200 : sizeof(text));
		dice_fill(seed, text, length, alphabet);
		compare_guarded(l, count, text, length);
	}
	literals_free(l);
}

Test(literals, random_sets_agree_with_a_plain_search)
{
	uint64_t seed = 1;
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		for (int i = 0; i < 60; i++) {
			compare_random(&seed, 1 + dice_below(&seed, 8), 6, "abcdefgh");
			compare_random(&seed, 1 + dice_below(&seed, 64), 12, "abcdefghijklmnop");
			compare_random(&seed, 1 + dice_below(&seed, 12), 40, "ab");
			compare_random(&seed, 65 + dice_below(&seed, 100), 30, "abcd");
			compare_random(&seed, 2 + dice_below(&seed, 8), 3,
				       "\x01\x11\x81\x7f\xff\xf1");
		}
	}
	drop_strings();
}

Test(literals, one_is_found_wherever_it_stands)
{
	const char *const words[] = {"q", "wx", "xyz", "jump over",
				     "a needle rather longer than a fingerprint"};
	uint8_t region[260];
	for (size_t i = 0; i < 5; i++)
		set_string(i, words[i], strlen(words[i]));
	struct literals *l = prepare(5);
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		for (size_t i = 0; i < 5; i++) {
			for (size_t at = 0; at + strings[i].length <= sizeof(region); at++) {
				memset(region, '.', sizeof(region));
				memcpy(region + at, words[i], strings[i].length);
				compare_guarded(l, 5, region, sizeof(region));
				compare_guarded(l, 5, region, at + strings[i].length);
				compare_guarded(l, 5, region, at + strings[i].length - 1);
			}
		}
	}
	literals_free(l);
	drop_strings();
}

/* What a region is filled up with inside must not count. */
Test(literals, nul_may_begin_a_string)
{
	uint8_t region[80];
	set_string(0, "\0", 1);
	set_string(1, "\0\0x", 3);
	memset(region, '.', sizeof(region));
	struct literals *l = prepare(2);
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));)
		for (size_t length = 0; length <= sizeof(region); length++)
			compare_guarded(l, 2, region, length);
	literals_free(l);
	drop_strings();
}

Test(literals, every_byte_may_occur_in_a_set)
{
	uint8_t text[600];
	uint64_t seed = 2;
	for (size_t i = 0; i < 256; i++)
		set_string(i, (uint8_t[]){(uint8_t)i, (uint8_t)(i * 7), (uint8_t)(i * 31)}, 3);
	struct literals *l = prepare(256);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = (uint8_t)dice(&seed);
		memcpy(text + dice_below(&seed, sizeof(text) - 3),
		       strings[dice_below(&seed, 256)].bytes, 3);
		compare_guarded(l, 256, text, sizeof(text));
	}
	literals_free(l);
	drop_strings();
}

/* 120,000 nodes, of which only the first few thousand have rows; the text is made of beginnings of the strings, so
 * that the search goes deep. */
Test(literals, a_set_too_large_for_rows_is_searched_right)
{
	const char *alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	static uint8_t text[800];
	uint64_t seed = 3;
	for (size_t i = 0; i < STRINGS_MAX; i++) {
		uint8_t string[40];
		dice_fill(&seed, string, sizeof(string), alphabet);
		if (i %
		    2) /* begins like the middle of the one before, to have fails that lead deep */
			memcpy(string, (const uint8_t *)strings[i - 1].bytes + 10, 25);
		set_string(i, string, sizeof(string));
	}
	struct literals *l = prepare(STRINGS_MAX);
	for (int round = 0; round < 12; round++) {
		size_t length = 0;
		while (length + 100 < sizeof(text)) {
			size_t piece = 25 + dice_below(&seed, 15);
			memcpy(text + length, strings[dice_below(&seed, STRINGS_MAX)].bytes, piece);
			length += piece;
		}
		/* at last one that is there, found only by way of the one before it */
		size_t odd = 1 + 2 * dice_below(&seed, STRINGS_MAX / 2);
		memcpy(text + length, strings[odd - 1].bytes, 10);
		memcpy(text + length + 10, strings[odd].bytes, 40);
		length += 50;
		compare(l, STRINGS_MAX, guarded_at_end(text, length), length);
	}
	literals_free(l);
	drop_strings();
}

/* As in test_literal.c, with fingerprints that let everything through. */
Test(literals, a_region_of_near_misses_takes_linear_time)
{
	enum { REGION = 4 << 20, LENGTH = 64 << 10, COUNT = 8 };
	uint8_t *region = malloc(REGION), *string = malloc(LENGTH);
	cr_assert(region && string);
	memset(region, 'e', REGION);
	for (size_t i = 0; i < COUNT; i++) {
		memset(string, 'e', LENGTH);
		string[LENGTH - 1 - i] = 'd';
		set_string(i, string, LENGTH);
	}
	struct literals *l = prepare(COUNT);
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		size_t length;
		clock_t start = clock();
		cr_assert_null(literals_find(l, region, region + REGION, &length));
		cr_assert_lt((double)(clock() - start) / CLOCKS_PER_SEC, 1.0);
	}
	literals_free(l);
	drop_strings();
	free(region);
	free(string);
}

Test(literals, what_is_prepared_fits_its_footprint)
{
	size_t few = literals_footprint(64 * 20, 64),
	       many = literals_footprint(100000 * 20, 100000);
	cr_assert_lt(few, (size_t)2 << 20);
	cr_assert_lt(many, (size_t)100 << 20);
	cr_assert_gt(many, few);
}
