#include "daemon/epoch_format.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <xxhash.h>

/* "sluiceEL" and "sluiceER", the lowest byte first */
#define MAGIC_LOG UINT64_C(0x4c45656369756c73)
#define MAGIC_RECORD UINT64_C(0x5245656369756c73)

enum { SUMMED = EPOCH_BLOCK - EPOCH_CHECKSUM };

/* Zeros and a checksum, to the end of the block that began at `from`. */
static uint64_t finish_block(struct packer *p, size_t from, uint64_t seed)
{
	static const uint8_t zeros[EPOCH_BLOCK];
	assert(p->error || p->length - from <= SUMMED);
	packer_raw(p, zeros, p->error ? 0 : SUMMED - (p->length - from));
	if (p->error)
		return 0;
	uint64_t sum = XXH3_64bits_withSeed(p->bytes + from, SUMMED, seed);
	packer_u64(p, sum);
	return sum;
}

void epoch_header_pack(struct packer *p, struct epoch_header *h)
{
	size_t from = p->length;
	assert(strlen(h->name) <= EPOCH_NAME_MAX);
	packer_u64(p, MAGIC_LOG);
	packer_u64(p, h->version);
	packer_u64(p, (uint64_t)h->created_ns);
	packer_u64(p, h->base_epoch);
	packer_bytes(p, h->name, strlen(h->name));
	h->chain = finish_block(p, from, 0);
}

void epoch_slot_pack(struct packer *p, const struct epoch_slot *s, uint64_t header_chain)
{
	size_t from = p->length;
	packer_u64(p, s->sequence);
	packer_u64(p, s->length);
	packer_u64(p, s->epoch);
	packer_u64(p, s->chain);
	packer_u64(p, s->appending);
	finish_block(p, from, header_chain);
}

void epoch_head_pack(struct packer *p, const struct epoch_head *h)
{
	packer_u64(p, MAGIC_RECORD);
	packer_u64(p, h->length);
	packer_u64(p, h->epoch);
	packer_u64(p, (uint64_t)h->wall_ns);
	packer_u64(p, h->parts);
}

uint64_t epoch_record_length(uint64_t parts_bytes)
{
	uint64_t bytes = EPOCH_HEAD + parts_bytes + EPOCH_CHECKSUM;
	return (bytes + EPOCH_BLOCK - 1) / EPOCH_BLOCK * EPOCH_BLOCK;
}

void epoch_part_pack(struct packer *p, const char *id, size_t id_length, uint64_t delta_bytes)
{
	packer_bytes(p, id, id_length);
	packer_varint(p, delta_bytes);
}

uint64_t epoch_part_length(size_t id_length, uint64_t delta_bytes)
{
	return varint_length(id_length) + id_length + varint_length(delta_bytes) + delta_bytes;
}

static bool is_summed(const uint8_t *bytes, size_t length, uint64_t seed, uint64_t *ret_sum)
{
	struct packed sum = packed_from(bytes + length - EPOCH_CHECKSUM, EPOCH_CHECKSUM);
	*ret_sum = packed_u64(&sum);
	return XXH3_64bits_withSeed(bytes, length - EPOCH_CHECKSUM, seed) == *ret_sum;
}

const char *epoch_header_check(struct epoch_header *ret_header, const uint8_t *block)
{
	struct packed in = packed_from(block, SUMMED);
	struct epoch_header *h = ret_header;
	if (packed_u64(&in) != MAGIC_LOG)
		return "not an epoch log";
	if (!is_summed(block, EPOCH_BLOCK, 0, &h->chain))
		return "checksum of the header";
	h->version = packed_u64(&in);
	h->created_ns = (int64_t)packed_u64(&in);
	h->base_epoch = packed_u64(&in);
	size_t length;
	const uint8_t *name = packed_bytes(&in, &length);
	if (!name || length > EPOCH_NAME_MAX)
		return "name in the header";
	memcpy(h->name, name, length);
	h->name[length] = '\0';
	return NULL;
}

const char *epoch_slot_check(struct epoch_slot *ret_slot, const uint8_t *block,
			     uint64_t header_chain)
{
	struct packed in = packed_from(block, SUMMED);
	uint64_t sum;
	if (!is_summed(block, EPOCH_BLOCK, header_chain, &sum))
		return "checksum of a slot";
	ret_slot->sequence = packed_u64(&in);
	ret_slot->length = packed_u64(&in);
	ret_slot->epoch = packed_u64(&in);
	ret_slot->chain = packed_u64(&in);
	ret_slot->appending = packed_u64(&in);
	return NULL;
}

const char *epoch_head_check(struct epoch_head *ret_head, const uint8_t *block, uint64_t room)
{
	if (room < EPOCH_BLOCK)
		return "record cut short";
	struct packed in = packed_from(block, EPOCH_HEAD);
	if (packed_u64(&in) != MAGIC_RECORD)
		return "no record where one should begin";
	ret_head->length = packed_u64(&in);
	ret_head->epoch = packed_u64(&in);
	ret_head->wall_ns = (int64_t)packed_u64(&in);
	ret_head->parts = packed_u64(&in);
	if (ret_head->length == 0 || ret_head->length % EPOCH_BLOCK != 0)
		return "length of a record";
	return ret_head->length > room ? "record cut short" : NULL;
}

const char *epoch_record_check(const uint8_t *record, const struct epoch_head *head, uint64_t chain,
			       uint64_t *ret_chain)
{
	if (!is_summed(record, (size_t)head->length, chain, ret_chain))
		return "checksum of a record";
	return NULL;
}

int epoch_record_prepare(struct epoch_map *m, const uint8_t *record, const struct epoch_head *head)
{
	struct packed in = packed_from(record, (size_t)head->length - EPOCH_CHECKSUM);
	packed_raw(&in, EPOCH_HEAD);
	for (uint64_t i = 0; i < head->parts; i++) {
		size_t id_length, delta_length;
		const uint8_t *id = packed_bytes(&in, &id_length);
		const uint8_t *delta = packed_bytes(&in, &delta_length);
		if (in.broken) {
			epoch_map_discard(m);
			return -EBADMSG;
		}
		int r = epoch_map_prepare(m, (const char *)id, id_length,
					  packed_from(delta, delta_length));
		if (r < 0)
			return r;
	}
	return 0;
}
