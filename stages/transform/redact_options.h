/* redact_options.h - what a topology says to `redact`.
 *
 * Threads: any. Memory: the topology's. Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/secrets/siphash.h"

enum redact_with { WITH_MASK, WITH_HASH };

struct redact_options {
	struct text_list fields, sets, patterns;
	uint64_t with; /* enum redact_with */
	struct text mask;
	uint64_t keep;
	struct text key, prefix;
};

extern const struct option redact_table[];

void redact_check(const void *options, struct place at, struct problems *problems);

/* A field of that name stands for the record's own bytes. */
bool redact_is_body(const struct text *name);

/* NULL: it is not among the fields. */
const struct text *redact_find_body(const struct redact_options *o);

/* False: it is none. */
bool redact_read_key(const struct text *text, uint8_t key[SIPHASH_KEY_BYTES]);
