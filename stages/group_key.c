#include "stages/group_key.h"
#include "stages/key_part.h"
#include "stages/packer.h"

#include <assert.h>
#include <string.h>

const char *group_key_add(struct group_key *k, const struct value *v, struct scratch *room)
{
	struct key_part part;
	const char *why = key_part_of(&part, v, room);
	if (why)
		return why;
	size_t head = 1 + varint_length(part.length);
	if (part.length > GROUP_KEY_MAX || k->length + head + part.length > GROUP_KEY_MAX)
		return "key too long";
	uint8_t *at = k->bytes + k->length;
	*at++ = part.tag;
	for (size_t n = part.length;; n >>= 7) {
		*at++ = (uint8_t)(n > 0x7f ? 0x80 | (n & 0x7f) : n);
		if (n <= 0x7f)
			break;
	}
	memcpy(at, part.bytes, part.length);
	k->length += head + part.length;
	return NULL;
}

struct value group_key_value(const uint8_t *bytes, size_t length, size_t part)
{
	struct packed rest = packed_from(bytes, length);
	const uint8_t *tag = NULL, *at = NULL;
	size_t part_length = 0;
	for (size_t i = 0; i <= part; i++) {
		tag = packed_raw(&rest, 1);
		at = packed_bytes(&rest, &part_length);
	}
	assert(!rest.broken && "it has such a part");
	return key_part_value(*tag, at, part_length);
}

bool group_key_is_whole(const uint8_t *bytes, size_t length, size_t parts)
{
	struct packed rest = packed_from(bytes, length);
	for (size_t i = 0; i < parts; i++) {
		const uint8_t *tag = packed_raw(&rest, 1);
		size_t part_length;
		packed_bytes(&rest, &part_length);
		if (rest.broken || !key_part_is_one(*tag, part_length))
			return false;
	}
	return packed_is_whole(&rest);
}
