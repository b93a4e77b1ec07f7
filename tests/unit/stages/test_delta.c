#include "stages/delta.h"
#include "tests/unit/stages/guarded.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

static void assert_change(struct packed *rest, bool removal, const char *key, const char *value)
{
	struct change c;
	cr_assert(delta_next(rest, &c));
	cr_assert_eq(c.removal, removal);
	cr_assert_eq(c.key_length, strlen(key));
	cr_assert_eq(memcmp(c.key, key, c.key_length), 0);
	cr_assert_eq(c.value_length, strlen(value));
	cr_assert_eq(memcmp(c.value, value, c.value_length), 0);
}

Test(delta, changes_come_back_in_the_order_they_were_made)
{
	struct delta d = {.count = 0};
	cr_assert(delta_is_empty(&d));
	cr_assert_eq(delta_put(&d, "a", 1, "one", 3), 0);
	cr_assert_eq(delta_remove(&d, "bb", 2), 0);
	cr_assert_eq(delta_put(&d, "", 0, "", 0), 0);
	cr_assert_eq(delta_put(&d, "a", 1, "two", 3), 0);
	cr_assert_not(delta_is_empty(&d));
	cr_assert_eq(d.count, 4);
	struct packed rest = delta_changes(&d);
	assert_change(&rest, false, "a", "one");
	assert_change(&rest, true, "bb", "");
	assert_change(&rest, false, "", "");
	assert_change(&rest, false, "a", "two");
	struct change c;
	cr_assert_not(delta_next(&rest, &c));
	cr_assert(packed_is_whole(&rest));
	delta_release(&d);
}

Test(delta, cleared_delta_is_empty_and_keeps_its_room)
{
	struct delta d = {.count = 0};
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(delta_put(&d, &i, sizeof i, &i, sizeof i), 0);
	size_t capacity = d.packer.capacity;
	delta_clear(&d);
	cr_assert(delta_is_empty(&d));
	struct packed rest = delta_changes(&d);
	struct change c;
	cr_assert_not(delta_next(&rest, &c));
	cr_assert_not(rest.broken);
	cr_assert_eq(d.packer.capacity, capacity);
	delta_release(&d);
}

Test(delta, change_that_finds_no_memory_leaves_it_as_it_was)
{
	struct delta d = {.count = 0};
	cr_assert_eq(delta_put(&d, "a", 1, "1", 1), 0);
	cr_assert_eq(delta_put(&d, "b", 1, "", (size_t)PTRDIFF_MAX / 2), -ENOMEM);
	cr_assert_eq(delta_remove(&d, "b", SIZE_MAX), -ENOMEM);
	cr_assert_eq(delta_put(&d, "c", 1, "3", 1), 0);
	struct packed rest = delta_changes(&d);
	assert_change(&rest, false, "a", "1");
	assert_change(&rest, false, "c", "3");
	cr_assert(packed_is_whole(&rest));
	delta_release(&d);
}

Test(delta, put_is_as_long_as_it_says)
{
	static const size_t lengths[] = {0, 1, 127, 128, 20000};
	char *bytes = calloc(1, 20000);
	for (size_t i = 0; i < 25; i++) {
		struct delta d = {.count = 0};
		size_t key = lengths[i / 5], value = lengths[i % 5];
		cr_assert_eq(delta_put(&d, bytes, key, bytes, value), 0);
		cr_assert_eq(d.packer.length, delta_put_length(key, value));
		delta_release(&d);
	}
	free(bytes);
}

Test(delta, cut_anywhere_but_between_changes_is_broken)
{
	struct delta d = {.count = 0};
	size_t ends[3] = {0};
	cr_assert_eq(delta_put(&d, "key", 3, "value", 5), 0);
	ends[1] = d.packer.length;
	cr_assert_eq(delta_remove(&d, "other", 5), 0);
	ends[2] = d.packer.length;
	for (size_t length = 0; length <= d.packer.length; length++) {
		struct packed rest = packed_from(guarded_at_end(d.packer.bytes, length), length);
		struct change c;
		while (delta_next(&rest, &c))
			;
		bool at_end = length == ends[0] || length == ends[1] || length == ends[2];
		cr_assert_eq(packed_is_whole(&rest), at_end, "%zu", length);
	}
	delta_release(&d);
}

Test(delta, bytes_that_are_no_delta_never_lead_outside_them)
{
	uint64_t state = 1;
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[32];
		for (size_t i = 0; i < sizeof bytes; i++) {
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
			bytes[i] = (uint8_t)(state >> 56);
		}
		bytes[0] = (uint8_t)(1 + (round & 1));
		struct packed rest = packed_from(guarded_at_end(bytes, sizeof bytes), sizeof bytes);
		const uint8_t *end = rest.end;
		struct change c;
		while (delta_next(&rest, &c))
			cr_assert(c.key + c.key_length <= end && c.value + c.value_length <= end);
	}
}
