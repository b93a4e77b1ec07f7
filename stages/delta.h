/* delta.h - what a stage wants remembered since the last epoch: keys with their new values, and keys to forget.
 *
 *   [ put key value | put key value | forget key | ... ]      in one buffer; a later change of a key wins
 *
 *   put     1  varint key length  varint value length  key  value
 *   forget  2  varint key length  key
 *
 * Keys and values are bytes that only the stage understands (stages/packer.h helps to write them). What a delta holds
 * is also what the epoch log holds.
 *
 * Threads: the owner's. Memory: one buffer, which grows and is kept from epoch to epoch. Layer: stages. */
#pragma once

#include "stages/packer.h"

/* All zero is an empty delta. */
struct delta {
	struct packer packer;
	size_t count; /* of changes */
};

struct change {
	bool removal; /* there is no value */
	const uint8_t *key, *value;
	size_t key_length, value_length;
};

void delta_release(struct delta *d);
/* Empties it; keeps the buffer. */
void delta_clear(struct delta *d);

/* 0, or -ENOMEM with the delta as it was. */
int delta_put(struct delta *d, const void *key, size_t key_length, const void *value,
	      size_t value_length);
int delta_remove(struct delta *d, const void *key, size_t key_length);

static inline bool delta_is_empty(const struct delta *d)
{
	return d->count == 0;
}

/* A put as it stands in a delta, written to p; and how long that is. */
void delta_pack_put(struct packer *p, const void *key, size_t key_length, const void *value,
		    size_t value_length);
size_t delta_put_length(size_t key_length, size_t value_length);

/* Walks through the changes in bytes that may come from anywhere, in the order in which they were made:
 *
 *	struct packed rest = packed_from(bytes, length);
 *	while (delta_next(&rest, &change)) ...
 *	if (rest.broken) ...                          not a delta, from here on
 *
 * What a change points to lies in these bytes. */
bool delta_next(struct packed *rest, struct change *ret_change);

static inline struct packed delta_changes(const struct delta *d)
{
	return packed_from(d->packer.bytes, d->packer.length);
}
