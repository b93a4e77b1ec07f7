/* fuzz_remembered.c - any bytes as what stages remember: an output's mark, a source's positions, an undo journal's entry.
 * Refused, or read; and what was read and is written again reads the same.
 *
 *   byte 0: which of them; the rest: as it stands in a delta or a journal, without the checksum
 *
 * Layer: tests, libFuzzer. */
#include "stages/output_mark.h"
#include "stages/source/file_positions.h"
#include "stages/undo_entry.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { KEY_BYTES = 24, KINDS = 3 };

static void mark(const uint8_t *bytes, size_t length)
{
	static struct output_mark first, again;
	struct delta saved = {.count = 0}, written = {.count = 0};
	assert(delta_put(&saved, "file", 4, bytes, length) == 0);
	int r = output_mark_get(&saved, 0, &first);
	assert(r == 0 || r == -EBADMSG);
	if (r == 0) {
		assert(first.whole <= first.length && strlen(first.path) < sizeof first.path);
		assert(output_mark_put(&written, 0, &first) == 0);
		assert(output_mark_get(&written, 0, &again) == 0 && again.epoch == first.epoch);
		assert(output_mark_equals(&first, &again));
	}
	delta_release(&saved);
	delta_release(&written);
}

static void load(struct file_positions *p, struct counter *changes, const struct delta *saved,
		 int wanted)
{
	assert(file_positions_init(p, changes, INT64_MAX) == 0);
	int r = file_positions_load(p, saved);
	assert(r == wanted || (wanted > 0 && (r == 0 || r == -EBADMSG)));
}

static void positions(const uint8_t *bytes, size_t length)
{
	struct file_positions first, again;
	struct counter changes = {0};
	struct delta saved = {.count = 0}, written = {.count = 0};
	size_t key = length < KEY_BYTES ? length : KEY_BYTES;
	assert(delta_put(&saved, bytes, key, bytes + key, length - key) == 0);
	load(&first, &changes, &saved, 1);
	struct chain *loaded = chain_first(&first.parked);
	if (loaded) {
		struct file_position *n = chain_owner(loaded, struct file_position, parked);
		if (n->path) /* else it was refused after it had been begun */
			file_positions_news(&first, n);
		assert(!n->path || file_positions_snapshot(&first, &written, 1) == 0);
		load(&again, &changes, &written, 0);
		file_positions_release(&again);
	}
	file_positions_release(&first);
	delta_release(&saved);
	delta_release(&written);
}

/* With the length and the checksum that let it pass for whole. */
static void entry(const uint8_t *bytes, size_t length)
{
	struct packer p = {.bytes = NULL}, again = {.bytes = NULL};
	struct undo_entry e, same;
	packer_u64(&p, length);
	packer_raw(&p, bytes, length);
	packer_u64(&p, XXH3_64bits(p.bytes, p.length));
	struct packed from = packed_from(p.bytes, p.length);
	if (undo_entry_unpack(&from, &e)) {
		undo_entry_pack(&again, &e);
		from = packed_from(again.bytes, again.length);
		assert(undo_entry_unpack(&from, &same) && same.kind == e.kind);
		assert(same.epoch == e.epoch && same.inode == e.inode && same.length == e.length);
		assert(strcmp(same.path, e.path) == 0 && strcmp(same.to, e.to) == 0);
	}
	packer_release(&p);
	packer_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static void (*const kinds[KINDS])(const uint8_t *bytes, size_t length) = {mark, positions,
										  entry};
	if (length > 0)
		kinds[bytes[0] % KINDS](bytes + 1, length - 1);
	return 0;
}
