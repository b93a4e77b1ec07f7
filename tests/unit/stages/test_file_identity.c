#include "stages/source/file_identity.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1000 };

static void fill(uint8_t *bytes)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)rand();
}

Test(file_identity, head_is_the_same_however_its_bytes_were_read)
{
	uint8_t bytes[SIZE];
	for (unsigned seed = 0; seed < 300; seed++) {
		srand(seed);
		fill(bytes);
		struct file_head a = {.length = 0}, b = {.length = 0};
		size_t size = 1 + (size_t)rand() % (seed % 2 ? 300 : SIZE);
		cr_assert_eq(file_head_note(&a, 0, bytes, size), 0);
		for (size_t at = 0; at < size;) {
			size_t again = (size_t)rand() % (at + 1);
			size_t n = 1 + (size_t)rand() % (size - again);
			cr_assert_eq(file_head_note(&b, again, bytes + again, n), 0);
			at = again + n > at ? again + n : at;
		}
		cr_assert_eq(a.length, size < HEAD_BYTES ? size : HEAD_BYTES);
		cr_assert_eq(b.length, a.length);
		cr_assert_eq(file_head_hash(&a), file_head_hash(&b));
		cr_assert_eq(file_head_compare(&a, bytes), 1);
		bytes[(size_t)rand() % a.length] ^= 1;
		cr_assert_eq(file_head_compare(&b, bytes), 0);
		file_head_release(&a);
		file_head_release(&b);
	}
}

Test(file_identity, head_of_which_only_the_hash_is_known_is_added_to_once_it_was_compared)
{
	uint8_t bytes[SIZE];
	srand(1);
	fill(bytes);
	struct file_head whole = {.length = 0}, part = {.length = 0};
	cr_assert_eq(file_head_note(&whole, 0, bytes, SIZE), 0);
	cr_assert_eq(file_head_note(&part, 0, bytes, 100), 0);
	struct file_head known = {.hash = file_head_hash(&part), .length = 100};
	cr_assert_eq(file_head_note(&known, 100, bytes + 100, 500), 0);
	cr_expect_eq(known.length, 100);
	cr_assert_eq(file_head_compare(&known, bytes), 1);
	cr_assert_eq(file_head_note(&known, 100, bytes + 100, 500), 0);
	cr_expect_eq(known.length, HEAD_BYTES);
	cr_expect_eq(file_head_hash(&known), file_head_hash(&whole));
	file_head_release(&whole);
	file_head_release(&part);
	file_head_release(&known);
}

Test(file_identity, bytes_that_do_not_follow_the_head_are_not_added_to_it)
{
	uint8_t bytes[SIZE] = "abcdef";
	struct file_head h = {.length = 0};
	cr_assert_eq(file_head_note(&h, 50, bytes, 10), 0);
	cr_expect_eq(h.length, 0);
	cr_assert_eq(file_head_note(&h, 0, bytes, 3), 0);
	cr_assert_eq(file_head_note(&h, 4, bytes, 10), 0);
	cr_expect_eq(h.length, 3);
	file_head_release(&h);
}

Test(file_identity, tail_holds_the_last_bytes_whatever_the_pieces)
{
	uint8_t bytes[SIZE];
	for (unsigned seed = 0; seed < 300; seed++) {
		srand(seed);
		fill(bytes);
		struct file_tail t = {.end = 0};
		size_t at = 0;
		while (at < SIZE) {
			size_t n = 1 + (size_t)rand() % (seed % 3 ? 20 : 200);
			n = n < SIZE - at ? n : SIZE - at;
			file_tail_note(&t, at + n, bytes + at, n);
			at += n;
			size_t length = at < TAIL_BYTES ? at : TAIL_BYTES;
			cr_assert_eq(t.end, at);
			cr_assert_eq(t.length, length);
			struct file_tail known = {
			    .end = at, .hash = file_tail_hash(&t), .length = t.length};
			cr_assert(file_tail_compare(&known, bytes + at - length));
			cr_assert_eq(memcmp(known.bytes, t.bytes, length), 0);
			uint8_t other[TAIL_BYTES];
			memcpy(other, bytes + at - length, length);
			other[(size_t)rand() % length] ^= 0x80;
			cr_assert_not(file_tail_compare(&t, other));
		}
	}
}

Test(file_identity, tail_begins_anew_where_the_bytes_do_not_follow)
{
	struct file_tail t = {.end = 0};
	file_tail_note(&t, 100, (const uint8_t *)"abcdef", 6);
	file_tail_note(&t, 50, (const uint8_t *)"gh", 2);
	cr_expect_eq(t.end, 50);
	cr_expect_eq(t.length, 2);
	cr_expect(file_tail_compare(&t, (const uint8_t *)"gh"));
}
