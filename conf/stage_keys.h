/* stage_keys.h - the keys that stand under every stage beside its own options: type, inputs, workers, ordered, queue.
 *
 * Threads: any. Memory: none. Layer: conf. */
#pragma once

#include "conf/schema.h"

/* What they fill. */
struct stage_common {
	struct text type;
	struct text_list inputs;
	uint64_t workers; /* 0: auto */
	bool ordered;
	bool queue_given;
	struct stage_queue {
		uint64_t capacity; /* batches */
		uint64_t when_full;
	} queue;
};

enum { STAGE_KEYS_MAX = 5 };

/* A table of those that a stage may have: a source has only `type`; `workers` is for those that can have several.
 * Ends with an empty one, as tables do. */
struct stage_keys {
	struct option table[STAGE_KEYS_MAX + 1];
};
struct stage_keys stage_keys_of(enum stage_kind kind, unsigned workers_max);

/* Why `key` isn't in the table above, though it is among the common keys; NULL when it is neither. */
const char *stage_key_misplaced(enum stage_kind kind, unsigned workers_max, const char *key,
				size_t length);
