#include "daemon/record_writer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <xxhash.h>

enum { CHUNK = 65536 };

int record_writer_init(struct record_writer *w)
{
	*w = (struct record_writer){.ended = true};
	w->hash = XXH3_createState();
	/* So that to make a record of parts takes no more. */
	return w->hash ? packer_reserve(&w->chunk, 2 * CHUNK + EPOCH_BLOCK) : -ENOMEM;
}

void record_writer_release(struct record_writer *w)
{
	packer_release(&w->chunk);
	XXH3_freeState(w->hash);
	*w = (struct record_writer){.ended = true};
}

static void begin(struct record_writer *w, struct epoch_head head, uint64_t chain)
{
	assert(w->hash);
	w->head = head;
	w->made = 0;
	w->ended = false;
	w->part = w->parts_end = NULL;
	w->copied = 0;
	w->stage = NULL;
	w->entry = NULL;
	XXH3_64bits_reset_withSeed(w->hash, chain);
}

static size_t bytes_of(const struct epoch_part *part)
{
	return part->delta->packer.length;
}

void record_writer_begin_parts(struct record_writer *w, uint64_t epoch, int64_t wall_ns,
			       uint64_t chain, const struct epoch_part *parts, size_t count)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += epoch_part_length(strlen(parts[i].id), bytes_of(&parts[i]));
	begin(w,
	      (struct epoch_head){.length = epoch_record_length(bytes),
				  .epoch = epoch,
				  .wall_ns = wall_ns,
				  .parts = count},
	      chain);
	w->part = parts;
	w->parts_end = parts + count;
}

/* What a snapshot's parts take, and how many there are. */
static uint64_t snapshot_bytes(const struct epoch_map *m, uint64_t *ret_parts)
{
	uint64_t bytes = 0;
	*ret_parts = 0;
	for (const struct epoch_stage *s = m->stages; s; s = s->next) {
		if (s->count == 0)
			continue;
		bytes += epoch_part_length(s->id_length, s->packed_bytes);
		++*ret_parts;
	}
	return bytes;
}

uint64_t record_snapshot_length(const struct epoch_map *m)
{
	uint64_t parts;
	return epoch_record_length(snapshot_bytes(m, &parts));
}

/* The next stage that has entries, from s on. */
static const struct epoch_stage *with_entries(const struct epoch_stage *s)
{
	while (s && s->count == 0)
		s = s->next;
	return s;
}

void record_writer_begin_snapshot(struct record_writer *w, uint64_t epoch, int64_t wall_ns,
				  uint64_t chain, const struct epoch_map *m)
{
	uint64_t parts;
	uint64_t bytes = snapshot_bytes(m, &parts);
	begin(w,
	      (struct epoch_head){.length = epoch_record_length(bytes),
				  .epoch = epoch,
				  .wall_ns = wall_ns,
				  .parts = parts},
	      chain);
	w->stage = with_entries(m->stages);
}

/* Some more of the part's delta. */
static void make_part(struct record_writer *w)
{
	size_t length = bytes_of(w->part);
	if (w->copied == 0)
		epoch_part_pack(&w->chunk, w->part->id, strlen(w->part->id), length);
	size_t some = length - w->copied;
	if (some > CHUNK)
		some = CHUNK;
	if (some > 0)
		packer_raw(&w->chunk, w->part->delta->packer.bytes + w->copied, some);
	w->copied += some;
	if (w->copied == length) {
		w->part++;
		w->copied = 0;
	}
}

static void make_entry(struct record_writer *w)
{
	if (!w->entry) {
		const struct epoch_stage *s = w->stage;
		epoch_part_pack(&w->chunk, s->id, s->id_length, s->packed_bytes);
		w->entry = s->first;
	}
	const struct epoch_entry *e = w->entry;
	delta_pack_put(&w->chunk, epoch_entry_key(e), e->key_length, epoch_entry_value(e),
		       e->value_length);
	w->entry = e->next;
	if (!w->entry)
		w->stage = with_entries(w->stage->next);
}

static void make_end(struct record_writer *w)
{
	static const uint8_t zeros[EPOCH_BLOCK];
	uint64_t left = w->head.length - EPOCH_CHECKSUM - w->made - w->chunk.length;
	assert(left < EPOCH_BLOCK);
	packer_raw(&w->chunk, zeros, (size_t)left);
	if (w->chunk.error)
		return;
	XXH3_64bits_update(w->hash, w->chunk.bytes, w->chunk.length);
	w->chain = XXH3_64bits_digest(w->hash);
	packer_u64(&w->chunk, w->chain);
	w->ended = true;
}

int record_writer_fill(struct record_writer *w)
{
	assert(!w->ended);
	packer_clear(&w->chunk);
	if (w->made == 0)
		epoch_head_pack(&w->chunk, &w->head);
	while (!w->ended && !w->chunk.error && w->chunk.length < CHUNK) {
		if (w->part != w->parts_end)
			make_part(w);
		else if (w->stage)
			make_entry(w);
		else
			make_end(w);
	}
	if (w->chunk.error)
		return w->chunk.error;
	if (!w->ended)
		XXH3_64bits_update(w->hash, w->chunk.bytes, w->chunk.length);
	w->made += w->chunk.length;
	return 0;
}
