/* stage_keys.h - the keys that stand under every stage beside its own options: type, inputs, workers, ordered,
 * queue, on_error, dead_letter.
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
		uint64_t capacity;  /* batches */
		uint64_t when_full; /* enum when_full */
		uint64_t max_size;  /* 0: not given */
	} queue;
	uint64_t on_error; /* as the table has it: stage_key_on_error() */
	struct text dead_letter;
};

enum { STAGE_KEYS_MAX = 7 };

/* Of a stage, as far as its keys depend on it. */
struct stage_nature {
	enum stage_kind kind;
	unsigned workers_max;
	bool has_failures;
};
struct stage_nature stage_nature_of(const struct stage_schema *schema);

/* A table of those that a stage may have: a source has only `type`; `workers` is for those that can have several.
 * Ends with an empty one, as tables do. */
struct stage_keys {
	struct option table[STAGE_KEYS_MAX + 1];
};
struct stage_keys stage_keys_of(const struct stage_nature *nature);

/* enum on_error, of the choice in that table. */
uint64_t stage_key_on_error(const struct stage_nature *nature, uint64_t choice);

/* Why `key` isn't in the table above, though it is among the common keys; NULL when it is neither. */
const char *stage_key_misplaced(const struct stage_nature *nature, const char *key, size_t length);
