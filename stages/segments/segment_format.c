#include "stages/segments/segment_format.h"
#include "stages/segments/le_bytes.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const uint8_t magic[8] = {'S', 'L', 'U', 'I', 'C', 'E', 'S', 'G'};
enum { VERSION = 1, HEAD_SUMMED = SEGMENT_HEAD - 8, HEAD_CHECKED = 20 };

void segment_head_write(uint8_t bytes[SEGMENT_HEAD], const struct segment_head *head)
{
	memcpy(bytes, magic, sizeof magic);
	le_put_u32(bytes + 8, VERSION);
	le_put_u32(bytes + 12, 0);
	le_put_u64(bytes + 16, head->base);
	le_put_u64(bytes + 24, head->salt);
	le_put_u64(bytes + HEAD_SUMMED, XXH3_64bits(bytes, HEAD_SUMMED));
}

bool segment_head_read(const uint8_t bytes[SEGMENT_HEAD], struct segment_head *ret_head)
{
	if (memcmp(bytes, magic, sizeof magic) != 0 || le_get_u32(bytes + 8) != VERSION ||
	    le_get_u64(bytes + HEAD_SUMMED) != XXH3_64bits(bytes, HEAD_SUMMED))
		return false;
	ret_head->base = le_get_u64(bytes + 16);
	ret_head->salt = le_get_u64(bytes + 24);
	return true;
}

/* entry: checksum 0 | position 8 | durable 16 | length 24 | head check 28 | payload 32 */

static uint32_t head_check(const uint8_t *bytes, uint64_t salt)
{
	return (uint32_t)XXH3_64bits_withSeed(bytes + 8, HEAD_CHECKED, salt);
}

static uint64_t checksum(const uint8_t *bytes, uint64_t salt, uint32_t length)
{
	return XXH3_64bits_withSeed(bytes + 8, SEGMENT_ENTRY_HEAD - 8 + (size_t)length, salt);
}

void segment_entry_seal(uint8_t *bytes, uint64_t salt, const struct segment_entry_head *head)
{
	size_t used = SEGMENT_ENTRY_HEAD + (size_t)head->length;
	le_put_u64(bytes + 8, head->position);
	le_put_u64(bytes + 16, head->durable);
	le_put_u32(bytes + 24, head->length);
	le_put_u32(bytes + 28, head_check(bytes, salt));
	memset(bytes + used, 0, (size_t)segment_entry_bytes(head->length) - used);
	le_put_u64(bytes, checksum(bytes, salt, head->length));
}

bool segment_entry_head_read(const uint8_t *bytes, uint64_t salt, uint64_t position,
			     struct segment_entry_head *ret_head)
{
	if (le_get_u64(bytes + 8) != position || le_get_u32(bytes + 28) != head_check(bytes, salt))
		return false;
	ret_head->position = position;
	ret_head->durable = le_get_u64(bytes + 16);
	ret_head->length = le_get_u32(bytes + 24);
	return true;
}

bool segment_entry_is_whole(const uint8_t *bytes, uint64_t salt,
			    const struct segment_entry_head *head)
{
	return le_get_u64(bytes) == checksum(bytes, salt, head->length);
}

static const char suffix[] = ".segment";
enum { DIGITS = 16 };

void segment_name(uint64_t base, char out[SEGMENT_NAME_MAX])
{
	snprintf(out, SEGMENT_NAME_MAX, "%016jx%s", (uintmax_t)base, suffix);
}

struct segment_label segment_label(uint64_t base)
{
	struct segment_label l = {""};
	segment_name(base, l.text);
	return l;
}

bool segment_name_read(const char *name, uint64_t *ret_base)
{
	uint64_t base = 0;
	if (strlen(name) != DIGITS + sizeof suffix - 1 || strcmp(name + DIGITS, suffix) != 0)
		return false;
	for (unsigned i = 0; i < DIGITS; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = memchr(digits, name[i], sizeof digits - 1);
		if (!digit)
			return false;
		base = base << 4 | (uint64_t)(digit - digits);
	}
	*ret_base = base;
	return true;
}
