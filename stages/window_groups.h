/* window_groups.h - what `aggregate` knows of each group of each window that is open, and what of it was remembered last.
 *
 *   slots   [ group | group | ... ]  each: its window, its key, how many records, a tally for each field, sketches
 *
 *   FREE --add--> OPEN --take_away--> GONE, until the next snapshot has said so --> FREE
 *                      \-- if no snapshot has spoken of it --> FREE
 *
 *   remembered   "g" window key -> records, tallies, sketches        "s" -> what the owner notes beside them
 *
 * There may be `max` of them open; as many more may be gone.
 *
 * Threads: the owner's. Memory: taken by window_groups_init(). Layer: stages. */
#pragma once

#include "stages/chain.h"
#include "stages/delta.h"
#include "stages/group_key.h"
#include "stages/hash_index.h"
#include "stages/sketch.h"
#include "stages/tally.h"

struct window_group {
	struct hash_node node;
	struct chain link;    /* open, gone or free */
	struct chain changed; /* since the last snapshot */
	int64_t start_ns;     /* its window's */
	bool is_known;        /* a snapshot has spoken of it */
	uint32_t key_length;
	uint64_t records;
	struct sketch *sketches; /* as many as its shape says */
	uint8_t key[GROUP_KEY_MAX];
	struct tally tallies[];
};

struct group_shape {
	uint64_t max;         /* open at once */
	unsigned tallies;     /* of each */
	const int *sketch_of; /* by tally: which sketch it fills; -1: none. Outlives the groups */
	unsigned sketches;    /* of each */
};

struct window_groups {
	struct group_shape shape;
	uint8_t *slots;
	size_t stride;
	struct sketch *sketches;
	struct sketch **free_sketches; /* the first of each set */
	size_t free_sketch_count;
	struct hash_index index;
	struct chain open, gone, free, changed;
	uint64_t open_count;
	struct window_group **due; /* of window_groups_collect(), by window, then key */
	size_t due_count;
};

/* With shape->sketch_of not asked for. */
size_t window_groups_memory(const struct group_shape *shape);

/* 0 or -ENOMEM; window_groups_release() in any case, also of what is all zero. */
int window_groups_init(struct window_groups *g, const struct group_shape *shape);
void window_groups_release(struct window_groups *g);

/* NULL: there is none. */
struct window_group *window_groups_find(const struct window_groups *g, int64_t start_ns,
					const uint8_t *key, size_t length);
/* There is none. NULL: as many as there may be are open. */
struct window_group *window_groups_add(struct window_groups *g, int64_t start_ns,
				       const uint8_t *key, size_t length);
/* Something was added to it. */
void window_groups_changed(struct window_groups *g, struct window_group *group);
/* It is given out, and may not be looked at any more. */
void window_groups_take_away(struct window_groups *g, struct window_group *group);

/* Puts the open groups of all windows that begin no later into `due`. */
void window_groups_collect(struct window_groups *g, int64_t start_ns);

/* When the first open window begins; INT64_MAX: there is none. */
int64_t window_groups_first(const struct window_groups *g);

/* Says what has changed; state: the owner's. 0 or -ENOMEM: then nothing may follow. */
int window_groups_snapshot(struct window_groups *g, const struct packer *state, struct delta *d);

/* What the owner noted; NULL: nothing is remembered. 0 or -EBADMSG. How many groups there are. */
int window_groups_state(const struct delta *saved, const uint8_t **ret_state, size_t *ret_length,
			size_t *ret_groups);
/* Into an empty one. 0; -EBADMSG: these are none of this shape; -ENOSPC: more than there may be. */
int window_groups_load(struct window_groups *g, const struct delta *saved);
