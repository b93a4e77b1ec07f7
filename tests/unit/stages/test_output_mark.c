/* Whether a path may be shown is remembered with it; what older versions remembered does not say so. */
#include "stages/output_mark.h"
#include "stages/undo_entry.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <xxhash.h>

/* As an older version wrote it: without what stands behind the birth. */
static void put_older_mark(struct delta *d)
{
	struct packer p = {0};
	packer_bytes(&p, "x.log", 5);
	for (int i = 0; i < 5; i++) /* epoch, inode, length, whole, closed */
		packer_varint(&p, 1);
	packer_u64(&p, 7);
	cr_assert(!p.error && delta_put(d, "file", 4, p.bytes, p.length) == 0);
	packer_release(&p);
}

Test(output_mark, path_that_is_no_secret_is_remembered_as_such)
{
	struct output_mark put = {.path = "x.log", .is_public = true}, got;
	struct delta d = {.count = 0};
	cr_assert_eq(output_mark_put(&d, 0, &put), 0);
	cr_assert(output_mark_get(&d, 0, &got) == 0 && got.is_public);
	put.is_public = false;
	cr_assert_eq(output_mark_put(&d, 0, &put), 0);
	cr_assert(output_mark_get(&d, 0, &got) == 0 && !got.is_public);
	delta_release(&d);
}

Test(output_mark, mark_of_an_older_version_may_be_of_a_secret_path)
{
	struct output_mark got;
	struct delta d = {.count = 0};
	put_older_mark(&d);
	cr_assert_eq(output_mark_get(&d, 0, &got), 0);
	cr_assert(got.birth_ns == 7 && !got.is_public);
	delta_release(&d);
}

static void put_mark(struct delta *d, unsigned lane, uint64_t inode, uint64_t epoch, bool closed)
{
	struct output_mark m = {.path = "x.log", .inode = inode, .epoch = epoch, .closed = closed};
	cr_assert_eq(output_mark_put(d, lane, &m), 0);
}

Test(output_mark, marks_of_several_lanes_are_told_apart)
{
	struct delta d = {.count = 0};
	struct output_marks marks;
	put_mark(&d, 0, 10, 4, true);
	put_mark(&d, OUTPUT_LANES_MAX - 1, 12, 3, true);
	put_mark(&d, 10, 11, 5, true);
	cr_assert_eq(output_marks_get(&d, 0, &marks), 0);
	cr_assert_eq(marks.count, OUTPUT_LANES_MAX);
	cr_assert_eq(marks.list[0].inode, 10);
	cr_assert_eq(marks.list[10].inode, 11);
	cr_assert_eq(marks.list[OUTPUT_LANES_MAX - 1].inode, 12);
	cr_assert(output_mark_is_none(&marks.list[1]));
	cr_assert_eq(output_marks_epoch(&marks), 5);
	cr_assert(output_marks_have(&marks, 12) && !output_marks_have(&marks, 0));
	cr_assert_not(output_marks_are_live(&marks));
	output_marks_release(&marks);
	put_mark(&d, 1, 13, 5, false);
	cr_assert_eq(output_marks_get(&d, 0, &marks), 0);
	cr_assert(output_marks_are_live(&marks));
	output_marks_release(&marks);
	delta_release(&d);
}

Test(output_mark, keys_that_are_no_lanes_are_left_alone)
{
	static const char *const keys[] = {"file.0",  "file.01", "file.1024", "file.-1",
					   "file.+1", "file. 1", "file.1x",   "file.",
					   "files",   "fil",     ""};
	struct delta d = {.count = 0};
	struct output_marks marks;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		cr_assert_eq(delta_put(&d, keys[i], strlen(keys[i]), "?", 1), 0);
	cr_assert_not(output_mark_is_in(&d));
	cr_assert_eq(output_marks_get(&d, 2, &marks), 0);
	cr_assert_eq(marks.count, 2);
	output_marks_release(&marks);
	delta_release(&d);
}

Test(output_mark, one_that_is_damaged_is_refused_whichever_it_is)
{
	struct delta d = {.count = 0};
	struct output_marks marks;
	put_mark(&d, 0, 10, 4, false);
	cr_assert_eq(delta_put(&d, "file.3", 6, "?", 1), 0);
	cr_assert(output_mark_is_in(&d));
	cr_assert_eq(output_marks_get(&d, 0, &marks), -EBADMSG);
	output_marks_release(&marks);
	delta_release(&d);
}

enum { NUMBER = sizeof(uint64_t) };

/* Without the last byte of the body, and with the length and the checksum of that. */
static void make_older(const struct packer *now, struct packer *older)
{
	size_t body = now->length - 2 * NUMBER - 1;
	packer_u64(older, body);
	packer_raw(older, now->bytes + NUMBER, body);
	packer_u64(older, XXH3_64bits(older->bytes, older->length));
}

Test(output_mark, entry_of_an_older_version_may_be_of_a_secret_path)
{
	struct packer p = {0}, before = {0};
	struct undo_entry got,
	    put = {.kind = UNDO_CREATED, .path = "x.log", .to = "", .is_public = true};
	undo_entry_pack(&p, &put);
	struct packed whole = packed_from(p.bytes, p.length);
	cr_assert(undo_entry_unpack(&whole, &got) && got.is_public);
	make_older(&p, &before);
	struct packed older = packed_from(before.bytes, before.length);
	cr_assert(undo_entry_unpack(&older, &got) && !got.is_public);
	cr_assert_str_eq(got.path, "x.log");
	packer_release(&p);
	packer_release(&before);
}
