/* Whether a path may be shown is remembered with it; what older versions remembered does not say so. */
#include "stages/output_mark.h"
#include "stages/undo_entry.h"

#include <criterion/criterion.h>
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
	cr_assert_eq(output_mark_put(&d, &put), 0);
	cr_assert(output_mark_get(&d, &got) == 0 && got.is_public);
	put.is_public = false;
	cr_assert_eq(output_mark_put(&d, &put), 0);
	cr_assert(output_mark_get(&d, &got) == 0 && !got.is_public);
	delta_release(&d);
}

Test(output_mark, mark_of_an_older_version_may_be_of_a_secret_path)
{
	struct output_mark got;
	struct delta d = {.count = 0};
	put_older_mark(&d);
	cr_assert_eq(output_mark_get(&d, &got), 0);
	cr_assert(got.birth_ns == 7 && !got.is_public);
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
