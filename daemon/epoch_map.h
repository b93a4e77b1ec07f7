/* epoch_map.h - what all stages want remembered, as of the newest epoch: (stage, key) -> value.
 *
 *   prepare(stage, delta) ... prepare(stage, delta) --> apply     the epoch is committed: all of it, and no failure
 *                                                   --> discard   it is not: nothing of it
 *
 *   stage "access"   [ key value ] - [ key value ] - ...       in the order in which they last changed
 *   stage "archive"  [ key value ] - ...
 *
 * What memory an epoch needs is taken before its record is written, so that what is on disk is always in here too.
 *
 * Threads: the owner's. Memory: an allocation for each entry. Layer: daemon. */
#pragma once

#include "stages/delta.h"
#include "stages/hash_index.h"

struct epoch_entry {
	struct hash_node node;
	struct epoch_stage *stage;
	struct epoch_entry *next,
	    *prev; /* its stage's; before it is applied: next of what is prepared */
	size_t key_length, value_length;
	bool removal;    /* prepared: takes the key away */
	uint8_t bytes[]; /* the key, then the value */
};

struct epoch_stage {
	struct epoch_stage *next;
	struct epoch_entry *first, *last;
	size_t count;
	uint64_t packed_bytes; /* of a delta that puts every entry */
	uint64_t hash;
	size_t id_length;
	char id[]; /* terminated */
};

struct epoch_map {
	struct hash_index index;
	struct epoch_stage
	    *stages; /* in the order in which they first came, also those without entries */
	struct epoch_entry *prepared, *prepared_last;
	size_t count;   /* entries */
	uint64_t bytes; /* of memory they take */
};

/* 0 or -ENOMEM. */
int epoch_map_init(struct epoch_map *m);
/* Also of what was never initialised but is all zero. */
void epoch_map_release(struct epoch_map *m);

/* Takes the memory for the changes of one stage; they are applied after what was prepared before. Copies everything.
 * 0; -ENOMEM; -EBADMSG: changes are no delta. On an error all that was prepared is discarded. */
int epoch_map_prepare(struct epoch_map *m, const char *id, size_t id_length, struct packed changes);
/* What was prepared holds from now on. */
void epoch_map_apply(struct epoch_map *m);
void epoch_map_discard(struct epoch_map *m);

/* NULL if nothing was ever remembered for it. */
const struct epoch_stage *epoch_map_stage(const struct epoch_map *m, const char *id);
/* Puts all that is remembered for it into d. 0 or -ENOMEM. */
int epoch_map_copy(const struct epoch_map *m, const char *id, struct delta *d);
/* NULL if it has no such key. */
const struct epoch_entry *epoch_map_find(const struct epoch_map *m, const char *id, const void *key,
					 size_t key_length);

/*	for (e = epoch_map_stage(m, id)->first; e; e = e->next) */
static inline const uint8_t *epoch_entry_key(const struct epoch_entry *e)
{
	return e->bytes;
}

static inline const uint8_t *epoch_entry_value(const struct epoch_entry *e)
{
	return e->bytes + e->key_length;
}
