#include "stages/text/held_lines.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const struct held_key a = {.origin = 1}, b = {.origin = 1, .is_error = true},
			     c = {.origin = 2}, d = {.origin = 2, .is_json = true};

static void add(struct held_lines *h, const struct held_key *key, const char *text)
{
	struct held_line *l = held_lines_add(h, key);
	memcpy(l->time, "now", l->time_length = 3);
	held_lines_append(h, h->count - 1, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void expect(const struct held_lines *h, const struct held_key *key, const char *text)
{
	int i = held_lines_find(h, key);
	cr_assert_geq(i, 0, "%s", text);
	const struct held_line *l = &h->lines[i];
	cr_expect(l->length == strlen(text) && memcmp(h->bytes + l->from, text, l->length) == 0,
		  "%.*s, not %s", (int)l->length, (const char *)h->bytes + l->from, text);
}

Test(held_lines, any_line_may_grow_or_go)
{
	struct held_lines h;
	cr_assert_eq(held_lines_init(&h, 32), 0);
	add(&h, &a, "one");
	add(&h, &b, "");
	add(&h, &c, "three");
	cr_expect_eq(held_lines_find(&h, &d), -1);
	held_lines_append(&h, 1, (const uint8_t *)"two", 3);
	held_lines_append(&h, 0, (const uint8_t *)"+", 1);
	held_lines_append(&h, 2, (const uint8_t *)"!", 1);
	expect(&h, &a, "one+");
	expect(&h, &b, "two");
	expect(&h, &c, "three!");
	held_lines_drop(&h, 1);
	expect(&h, &a, "one+");
	expect(&h, &c, "three!");
	cr_expect_eq(held_lines_find(&h, &b), -1);
	cr_expect_eq(h.length, 10);
	held_lines_drop(&h, 1);
	held_lines_drop(&h, 0);
	cr_expect_eq(h.length, 0);
	held_lines_release(&h);
}

Test(held_lines, bytes_and_lines_are_bounded)
{
	struct held_lines h;
	cr_assert_eq(held_lines_init(&h, 32), 0);
	add(&h, &a, "0123456789");
	cr_expect(held_lines_fit(&h, 0, 22));
	cr_expect_not(held_lines_fit(&h, 0, 23));
	cr_expect_not(held_lines_fit(&h, -1, SIZE_MAX));
	for (uint64_t i = 2; h.count < HELD_LINES_MAX; i++)
		add(&h, &(struct held_key){.origin = i}, "");
	cr_expect(held_lines_fit(&h, 3, 1));
	cr_expect_not(held_lines_fit(&h, -1, 0));
	held_lines_release(&h);
}

Test(held_lines, what_is_packed_is_unpacked_or_refused)
{
	struct held_lines h, other, small;
	struct packer p = {.bytes = NULL};
	cr_assert_eq(held_lines_init(&h, 32), 0);
	cr_assert_eq(held_lines_init(&other, 32), 0);
	cr_assert_eq(held_lines_init(&small, 5), 0);
	add(&h, &a, "one");
	add(&h, &d, "four");
	held_lines_pack(&h, &p);
	cr_assert_eq(held_lines_unpack(&other, p.bytes, p.length), 0);
	expect(&other, &a, "one");
	expect(&other, &d, "four");
	cr_expect_eq(other.lines[1].time_length, 3);
	cr_expect_eq(held_lines_unpack(&small, p.bytes, p.length), -E2BIG);
	cr_expect_eq(small.count, 0);
	other.count = other.length = 0;
	for (size_t i = 0; i < p.length; i++)
		cr_expect(held_lines_unpack(&other, p.bytes, i) == -EBADMSG && other.count == 0);
	held_lines_release(&h);
	held_lines_release(&other);
	held_lines_release(&small);
	packer_release(&p);
}
