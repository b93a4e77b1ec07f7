#include "stages/lines.h"

#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>

enum { ROOM = 512 };

struct cut {
	struct record records[ROOM];
	size_t count, next;
};

/* What lines_find_delimited() promises, a byte at a time. */
static struct cut cut_plainly(const uint8_t *bytes, size_t from, size_t to,
			      const struct delimiter *d, size_t room)
{
	struct cut c = {.next = from};
	size_t at = from;
	while (c.count < room && at + d->length <= to) {
		if (memcmp(bytes + at, d->bytes, d->length) != 0) {
			at++;
			continue;
		}
		c.records[c.count++] = (struct record){(uint32_t)c.next, (uint32_t)(at - c.next)};
		at += d->length;
		c.next = at;
	}
	return c;
}

static struct delimiter delimiter_of(const char *text)
{
	struct delimiter d = {.length = (uint8_t)strlen(text)};
	memcpy(d.bytes, text, d.length);
	return d;
}

static void compare(const uint8_t *bytes, size_t from, size_t to, const struct delimiter *d,
		    size_t room)
{
	static struct cut got;
	struct cut want = cut_plainly(bytes, from, to, d, room);
	got.next = SIZE_MAX;
	if (d->length == 1)
		got.count = lines_find(bytes, from, to, d->bytes[0], got.records, room, &got.next);
	else
		got.count = lines_find_delimited(bytes, from, to, d, got.records, room, &got.next);
	cr_assert(got.count == want.count && got.next == want.next,
		  "%s: %zu bytes, room %zu: %zu lines, next %zu; want %zu, next %zu",
		  block_kernels->name, to - from, room, got.count, got.next, want.count, want.next);
	cr_assert(memcmp(got.records, want.records, want.count * sizeof(struct record)) == 0);
}

static void compare_guarded(const uint8_t *bytes, size_t length, const struct delimiter *d,
			    size_t room)
{
	compare(guarded_at_end(bytes, length), 0, length, d, room);
	/* the region begins 100 bytes on, and those before it cannot be read */
	compare(guarded_at_start(bytes, length) - 100, 100, 100 + length, d, room);
}

static void compare_all_short(const char *delimiter, const char *alphabet, size_t longest)
{
	struct delimiter d = delimiter_of(delimiter);
	uint8_t bytes[16];
	for (size_t length = 0; length <= longest; length++) {
		for (size_t n = 0; n < spellings(length, alphabet); n++) {
			spell(n, bytes, length, alphabet);
			compare_guarded(bytes, length, &d, ROOM);
			compare_guarded(bytes, length, &d, n % 4);
		}
	}
}

static void compare_random(const char *delimiter, const char *alphabet, uint64_t seed)
{
	struct delimiter d = delimiter_of(delimiter);
	uint8_t bytes[ROOM];
	for (int i = 0; i < 2000; i++) {
		size_t length = dice_below(&seed, sizeof(bytes) + 1);
		dice_fill(&seed, bytes, length, alphabet);
		compare_guarded(bytes, length, &d,
				dice_below(&seed, 2) ? ROOM : dice_below(&seed, 20));
	}
}

Test(lines, every_short_region_is_cut_at_each_newline)
{
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));)
		compare_all_short("\n", "\na", 11);
}

Test(lines, every_short_region_is_cut_at_each_delimiter_that_may_overlap_itself)
{
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		compare_all_short("\r\n", "\r\na", 7);
		compare_all_short("aa", "ab", 11);
		compare_all_short("aab", "ab", 11);
		compare_all_short("aba", "ab", 11);
		compare_all_short("abab", "ab", 11);
	}
}

Test(lines, long_regions_are_cut_as_by_hand)
{
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		compare_random("\n", "\nabcdefghijklmnopqrst", 1);
		compare_random("\n", "\n", 2);
		compare_random("\xff", "\xff\x7f\x01", 3);
		compare_random("\r\n", "\r\nabc", 4);
		compare_random("aab", "aaab", 5);
		compare_random("abababab", "aaaabbbba", 6);
		compare_random("aaaaaaaa", "aaaaaaaaaaaab", 7);
	}
}

/* What a region is filled up with inside must not count. */
Test(lines, nul_may_be_a_delimiter)
{
	const struct delimiter one = {.bytes = {0}, .length = 1},
			       two = {.bytes = {0, 0}, .length = 2};
	uint8_t bytes[100] = {0};
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		for (size_t length = 0; length <= sizeof(bytes); length++) {
			bytes[length / 3] = 'x';
			compare_guarded(bytes, length, &one, ROOM);
			compare_guarded(bytes, length, &two, ROOM);
			bytes[length / 3] = 0;
		}
	}
}

Test(lines, a_line_may_be_longer_than_any_block_of_blocks)
{
	static uint8_t bytes[3 * 64 * BLOCK_BYTES];
	struct delimiter d = delimiter_of("\n");
	memset(bytes, 'x', sizeof(bytes));
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		compare_guarded(bytes, sizeof(bytes), &d, ROOM);
		bytes[sizeof(bytes) - 1] = '\n';
		compare_guarded(bytes, sizeof(bytes), &d, ROOM);
		bytes[64 * BLOCK_BYTES] = '\n';
		compare_guarded(bytes, sizeof(bytes), &d, ROOM);
		bytes[64 * BLOCK_BYTES] = bytes[sizeof(bytes) - 1] = 'x';
	}
}

Test(lines, what_one_call_had_no_room_for_the_next_one_returns)
{
	static struct record records[GUARDED_MAX];
	uint64_t seed = 8;
	uint8_t bytes[5000];
	dice_fill(&seed, bytes, sizeof(bytes), "\nab");
	for (const struct block_kernels *k = NULL; (k = next_kernels(k));) {
		size_t all, next,
		    count = lines_find(bytes, 0, sizeof(bytes), '\n', records, GUARDED_MAX, &all);
		size_t from = 0, found = 0;
		for (size_t got; (got = lines_find(bytes, from, sizeof(bytes), '\n',
						   (struct record[7]){{0, 0}}, 7, &next));) {
			cr_assert(next > from);
			found += got;
			from = next;
		}
		cr_assert_eq(found, count);
		cr_assert_eq(next, all);
	}
}
