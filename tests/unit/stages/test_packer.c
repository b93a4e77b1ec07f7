#include "stages/packer.h"
#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <errno.h>

static const uint64_t numbers[] = {
    0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

Test(packer, what_was_written_is_read_back_in_the_same_order)
{
	struct packer p = {.bytes = NULL};
	for (size_t i = 0; i < NUMBERS; i++) {
		packer_u64(&p, numbers[i]);
		packer_varint(&p, numbers[i]);
		packer_bytes(&p, numbers, i);
	}
	cr_assert_eq(p.error, 0);
	struct packed in = packed_from(p.bytes, p.length);
	for (size_t i = 0; i < NUMBERS; i++) {
		size_t length;
		cr_assert_eq(packed_u64(&in), numbers[i]);
		cr_assert_eq(packed_varint(&in), numbers[i]);
		const uint8_t *bytes = packed_bytes(&in, &length);
		cr_assert_not_null(bytes);
		cr_assert_eq(length, i);
		cr_assert_eq(memcmp(bytes, numbers, i), 0);
	}
	cr_assert(packed_is_whole(&in));
	packer_release(&p);
}

Test(packer, varint_is_as_long_as_it_says)
{
	for (size_t i = 0; i < NUMBERS; i++) {
		struct packer p = {.bytes = NULL};
		packer_varint(&p, numbers[i]);
		cr_assert_eq(p.length, varint_length(numbers[i]));
		packer_release(&p);
	}
}

Test(packer, nothing_is_read_past_the_end_whatever_is_cut_off)
{
	struct packer p = {.bytes = NULL};
	packer_u64(&p, 7);
	packer_varint(&p, UINT64_MAX);
	packer_bytes(&p, "abcdef", 6);
	for (size_t length = 0; length < p.length; length++) {
		struct packed in = packed_from(guarded_at_end(p.bytes, length), length);
		size_t got;
		packed_u64(&in);
		packed_varint(&in);
		cr_assert_null(packed_bytes(&in, &got));
		cr_assert_eq(got, 0);
		cr_assert(in.broken && packed_is_over(&in) && !packed_is_whole(&in));
	}
	packer_release(&p);
}

Test(packer, an_error_sticks_to_all_that_is_read_after_it)
{
	struct packed in = packed_from("abcdefgh1", 9);
	cr_assert_null(packed_raw(&in, 10));
	cr_assert_eq(packed_u64(&in), 0);
	cr_assert_eq(packed_varint(&in), 0);
	cr_assert(in.broken);
}

Test(packer, varint_of_more_than_64_bits_is_broken)
{
	static const uint8_t overflow[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 2};
	static const uint8_t endless[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 129, 0};
	struct packed in = packed_from(overflow, sizeof overflow);
	packed_varint(&in);
	cr_assert(in.broken);
	in = packed_from(endless, sizeof endless);
	packed_varint(&in);
	cr_assert(in.broken);
}

Test(packer, length_near_the_end_of_memory_is_broken)
{
	struct packer p = {.bytes = NULL};
	packer_varint(&p, UINT64_MAX);
	packer_raw(&p, "x", 1);
	struct packed in = packed_from(p.bytes, p.length);
	size_t length;
	cr_assert_null(packed_bytes(&in, &length));
	cr_assert(in.broken);
	packer_release(&p);
}

Test(packer, nothing_at_all_is_whole)
{
	struct packed in = packed_from(NULL, 0);
	cr_assert(packed_is_whole(&in));
	cr_assert_not_null(packed_raw(&in, 0));
	cr_assert(packed_is_whole(&in));
}

Test(packer, want_of_memory_sticks_until_it_is_cleared)
{
	struct packer p = {.bytes = NULL};
	packer_varint(&p, 1);
	cr_assert_eq(packer_reserve(&p, SIZE_MAX), -ENOMEM);
	packer_varint(&p, 2);
	cr_assert_eq(p.length, 1);
	cr_assert_eq(p.error, -ENOMEM);
	packer_clear(&p);
	packer_varint(&p, 3);
	cr_assert_eq(p.error, 0);
	cr_assert_eq(p.bytes[0], 3);
	packer_release(&p);
}
