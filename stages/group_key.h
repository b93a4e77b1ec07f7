/* group_key.h - the values of the fields that make a group, as bytes: equal keys are equal bytes (key_part.h).
 *
 *   [ tag | varint length | bytes ] [ tag | varint length | bytes ] ...      a part for each field
 *
 * Threads: any. Memory: the caller's. Layer: stages. */
#pragma once

#include "stages/value.h"

#include <stddef.h>

enum { GROUP_KEY_MAX = 512 };

struct group_key {
	size_t length;
	uint8_t bytes[GROUP_KEY_MAX];
};

/* Appends a part. NULL, or why it can't be (static). Decodes into room. */
const char *group_key_add(struct group_key *k, const struct value *v, struct scratch *room);

/* The value of that part, over these bytes. */
struct value group_key_value(const uint8_t *bytes, size_t length, size_t part);

/* So many parts and nothing else, in bytes that may come from anywhere. */
bool group_key_is_whole(const uint8_t *bytes, size_t length, size_t parts);
