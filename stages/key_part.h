/* key_part.h - a value as a part of a key: values that are equal, as CEL has it, have the same tag and bytes.
 *
 *   7   7.0   7u   "7" (another)         null   no such field (the same as null)         "a\u0062"   "ab"
 *
 * Lists and maps count as they are written, BYTES as the STRING of them.
 *
 * Threads: any. Memory: the caller's. Layer: stages. */
#pragma once

#include "stages/value.h"

#include <stddef.h>

struct key_part {
	uint8_t tag;
	const uint8_t *bytes; /* of the value's text, or `own` */
	size_t length;
	uint8_t own[8];
};

/* NULL, or why it can't be one (static). Decodes into room what has to be; it points there, or into v, or into itself. */
const char *key_part_of(struct key_part *ret_part, const struct value *v, struct scratch *room);

/* Whether a part may have that tag and so many bytes, if these come from elsewhere. */
bool key_part_is_one(uint8_t tag, size_t length);

/* The value again, over those bytes; of BYTES a STRING, of no such field NULL. */
struct value key_part_value(uint8_t tag, const uint8_t *bytes, size_t length);
