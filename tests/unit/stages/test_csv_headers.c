#include "stages/csv_headers.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Batches are described, not filled: only where they are from matters. */
static struct batch from(struct file_origin *origin, const char *source)
{
	struct batch b;
	memset(&b, 0, offsetof(struct batch, records));
	b.origin = origin;
	b.source = source;
	return b;
}

static int slot_of(void *context, const uint8_t *name, size_t length)
{
	(void)context;
	return length == 1 ? name[0] - 'a' : -1;
}

static const struct csv_header_rules usual = {
    .files_max = 4, .bytes_max = 1 << 16, .strict = true, .slot = slot_of};

static const struct csv_header *learn(struct csv_headers *h, const struct batch *b,
				      const char *text)
{
	return csv_headers_learn(h, b, (const uint8_t *)text, strlen(text), ',');
}

/* What is kept of a delta by who keeps them: the newest of each key. */
static void keep(struct delta *kept, const struct delta *more)
{
	struct delta next = {.count = 0};
	const struct delta *both[] = {kept, more};
	for (unsigned i = 0; i < 2; i++) {
		struct packed rest = delta_changes(both[i]);
		struct change c, later;
		while (delta_next(&rest, &c)) {
			struct packed after = i == 0 ? delta_changes(more) : rest;
			bool replaced = false;
			while (delta_next(&after, &later))
				replaced |= later.key_length == c.key_length &&
					    memcmp(later.key, c.key, c.key_length) == 0;
			if (!replaced && !c.removal)
				delta_put(&next, c.key, c.key_length, c.value, c.value_length);
		}
	}
	delta_release(kept);
	*kept = next;
}

static void cut(struct csv_headers *h, struct delta *kept)
{
	struct delta d = {.count = 0};
	cr_assert_eq(csv_headers_snapshot(h, &d), 0);
	keep(kept, &d);
	delta_release(&d);
}

Test(csv_headers, names_have_slots_by_what_they_are_called)
{
	struct csv_headers h;
	struct batch b = from(NULL, "in");
	cr_assert_eq(csv_headers_init(&h, &usual, NULL), 0);
	cr_expect_null(csv_headers_find(&h, &b));
	const struct csv_header *header = learn(&h, &b, "\xef\xbb\xbf\"c\",long,\"x\"\"y\",b\r");
	cr_assert(header && !header->why);
	cr_assert_eq(header->count, 4);
	cr_expect_eq(header->names[0].slot, 2);
	cr_expect_eq(header->names[1].slot, -1);
	cr_expect_eq(header->names[2].length, 3);
	cr_expect_eq(memcmp(header->names[2].bytes, "x\"y", 3), 0);
	cr_expect_eq(header->names[3].slot, 1);
	cr_expect_eq(csv_headers_find(&h, &b), header);
	csv_headers_release(&h);
}

Test(csv_headers, one_that_is_of_no_use_says_why)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
	    {"a,b,a", "the header of its file has a name twice"},
	    {"a,,b", "the header of its file has an empty name"},
	    {"", "the header of its file has an empty name"},
	    {"a,\"b", "the header of its file is no CSV"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct csv_headers h;
		struct batch b = from(NULL, "in");
		cr_assert_eq(csv_headers_init(&h, &usual, NULL), 0);
		cr_expect_str_eq(learn(&h, &b, cases[i].text)->why, cases[i].why);
		csv_headers_release(&h);
	}
}

Test(csv_headers, leniently_names_may_be_missing_and_come_twice)
{
	struct csv_headers h;
	struct batch b = from(NULL, "in");
	struct csv_header_rules lenient = usual;
	lenient.strict = false;
	cr_assert_eq(csv_headers_init(&h, &lenient, NULL), 0);
	const struct csv_header *header = learn(&h, &b, "a,,a");
	cr_expect_null(header->why);
	cr_expect_eq(header->names[1].slot, -1);
	cr_expect_eq(header->names[2].slot, 0);
	cr_expect_str_eq(learn(&h, &b, "a,\"b")->why, "the header of its file is no CSV");
	csv_headers_release(&h);
}

Test(csv_headers, files_are_told_apart_by_inode_device_and_source)
{
	struct csv_headers h;
	struct file_origin *a = file_origin_new("a.csv", NULL, 1, 7);
	struct file_origin *b = file_origin_new("b.csv", NULL, 2, 7);
	struct file_origin *renamed = file_origin_new("c.csv", NULL, 1, 7);
	struct batch of_a = from(a, "in"), of_b = from(b, "in"), other = from(a, "else"),
		     moved = from(renamed, "in");
	cr_assert_eq(csv_headers_init(&h, &usual, NULL), 0);
	learn(&h, &of_a, "a,b");
	cr_expect_null(csv_headers_find(&h, &of_b));
	cr_expect_null(csv_headers_find(&h, &other));
	cr_expect_not_null(csv_headers_find(&h, &moved));
	csv_headers_release(&h);
	file_origin_let_go(a);
	file_origin_let_go(b);
	file_origin_let_go(renamed);
}

Test(csv_headers, the_one_that_was_used_longest_ago_is_forgotten)
{
	struct csv_headers h;
	struct file_origin *o[5];
	struct batch b[5];
	cr_assert_eq(csv_headers_init(&h, &usual, NULL), 0);
	for (uint64_t i = 0; i < 5; i++) {
		o[i] = file_origin_new("x.csv", NULL, 1, i);
		b[i] = from(o[i], "in");
	}
	for (size_t i = 0; i < 4; i++)
		learn(&h, &b[i], "a,b");
	cr_expect_eq(h.bytes, csv_headers_find(&h, &b[0])->footprint, "it is kept once");
	learn(&h, &b[4], "c");
	cr_expect_eq(h.count, 4);
	cr_expect_eq(h.forgotten, 1);
	cr_expect_eq(csv_headers_find(&h, &b[0])->count, 2);
	cr_expect_eq(csv_headers_find(&h, &b[4])->count, 1);
	csv_headers_release(&h);
	for (size_t i = 0; i < 5; i++)
		file_origin_let_go(o[i]);
}

Test(csv_headers, headers_take_no_more_bytes_than_they_may)
{
	struct csv_headers h;
	struct csv_header_rules small = usual;
	static char text[40001];
	small.files_max = 100;
	small.bytes_max = 4096;
	cr_assert_eq(csv_headers_init(&h, &small, NULL), 0);
	for (uint64_t i = 0; i < 100; i++) {
		struct file_origin *o = file_origin_new("x.csv", NULL, 1, i);
		struct batch b = from(o, "in");
		snprintf(text, sizeof text, "a,b,name of %d", (int)i);
		cr_assert_null(learn(&h, &b, text)->why);
		cr_assert_leq(h.bytes, 4096);
		file_origin_let_go(o);
	}
	cr_expect_gt(h.forgotten, 50);
	cr_expect_gt(h.count, 5);
	memset(text, ',', sizeof text - 1);
	struct batch b = from(NULL, "in");
	cr_expect_str_eq(learn(&h, &b, text)->why, "the header of its file is too long");
	cr_expect_leq(h.bytes, 4096);
	csv_headers_release(&h);
}

Test(csv_headers, what_was_saved_is_known_again)
{
	struct csv_headers h;
	struct delta kept = {.count = 0};
	uint64_t files;
	struct file_origin *o = file_origin_new("a.csv", NULL, 1, 7);
	struct file_origin *elsewhere = file_origin_new("a.csv", NULL, 3, 7);
	struct file_origin *other = file_origin_new("b.csv", NULL, 3, 7);
	struct batch a = from(o, "in"), none = from(NULL, "in"), after = from(elsewhere, "in"),
		     b = from(other, "in");
	cr_assert_eq(csv_headers_init(&h, &usual, NULL), 0);
	learn(&h, &a, "a,b");
	learn(&h, &none, "c");
	cut(&h, &kept);
	learn(&h, &none, "a,b,d"); /* the one before is forgotten */
	cut(&h, &kept);
	csv_headers_release(&h);

	cr_assert_eq(csv_headers_told(&kept, &files), 0);
	cr_expect_eq(files, 2);
	cr_expect_eq(kept.count, 4);
	cr_assert_eq(csv_headers_init(&h, &usual, &kept), 0);
	cr_expect_eq(csv_headers_find(&h, &none)->count, 3);
	cr_expect_eq(csv_headers_find(&h, &a)->count, 2);
	cr_expect_null(csv_headers_find(&h, &b));
	cr_expect_eq(csv_headers_find(&h, &after)->count, 2, "its device has another number");
	struct delta d = {.count = 0};
	cr_assert_eq(csv_headers_snapshot(&h, &d), 0);
	cr_expect_eq(d.count, 1, "of what has not changed nothing is said");
	delta_release(&d);
	csv_headers_release(&h);
	delta_release(&kept);
	file_origin_let_go(o);
	file_origin_let_go(elsewhere);
	file_origin_let_go(other);
}

Test(csv_headers, with_less_room_than_before_some_are_forgotten_for_good)
{
	struct csv_headers h;
	struct delta kept = {.count = 0};
	struct csv_header_rules fewer = usual;
	uint64_t files;
	fewer.files_max = 1;
	cr_assert_eq(csv_headers_init(&h, &usual, NULL), 0);
	for (uint64_t i = 0; i < 4; i++) {
		struct file_origin *o = file_origin_new("a.csv", NULL, 1, i);
		struct batch b = from(o, "in");
		learn(&h, &b, i % 2 ? "a" : "b");
		file_origin_let_go(o);
	}
	cut(&h, &kept);
	csv_headers_release(&h);
	cr_assert_eq(csv_headers_init(&h, &fewer, &kept), 0);
	cr_expect_eq(h.count, 1);
	cut(&h, &kept);
	csv_headers_release(&h);
	cr_assert_eq(csv_headers_told(&kept, &files), 0);
	cr_expect_eq(files, 1);
	cr_expect_eq(kept.count, 2);
	delta_release(&kept);
}

/* Each byte of what was saved is another: it is refused, or means something else, and nothing breaks. */
Test(csv_headers, what_is_damaged_is_refused_or_harmless)
{
	struct csv_headers h;
	struct delta good = {.count = 0};
	struct file_origin *o = file_origin_new("a.csv", NULL, 1, 7);
	struct batch a = from(o, "in");
	cr_assert_eq(csv_headers_init(&h, &usual, NULL), 0);
	learn(&h, &a, "a,\"b\",c");
	cut(&h, &good);
	csv_headers_release(&h);
	size_t refused = 0;
	for (size_t i = 0; i < good.packer.length * 8; i++) {
		good.packer.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		int r = csv_headers_init(&h, &usual, &good);
		cr_expect(r == 0 || r == -EBADMSG);
		refused += r < 0;
		csv_headers_release(&h);
		good.packer.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	cr_expect_gt(refused, 50);
	delta_release(&good);
	file_origin_let_go(o);
}
