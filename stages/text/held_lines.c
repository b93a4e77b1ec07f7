#include "stages/text/held_lines.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int held_lines_init(struct held_lines *h, uint32_t capacity)
{
	*h = (struct held_lines){.capacity = capacity};
	h->bytes = malloc(capacity ? capacity : 1);
	return h->bytes ? 0 : -ENOMEM;
}

void held_lines_release(struct held_lines *h)
{
	free(h->bytes);
	*h = (struct held_lines){.bytes = NULL};
}

static bool is_same(const struct held_key *a, const struct held_key *b)
{
	return a->origin == b->origin && a->is_error == b->is_error && a->is_json == b->is_json;
}

int held_lines_find(const struct held_lines *h, const struct held_key *key)
{
	for (unsigned i = 0; i < h->count; i++)
		if (is_same(&h->lines[i].key, key))
			return (int)i;
	return -1;
}

bool held_lines_fit(const struct held_lines *h, int line, size_t bytes)
{
	return bytes <= h->capacity - h->length && (line >= 0 || h->count < HELD_LINES_MAX);
}

struct held_line *held_lines_add(struct held_lines *h, const struct held_key *key)
{
	assert(h->count < HELD_LINES_MAX);
	struct held_line *l = &h->lines[h->count++];
	*l = (struct held_line){.key = *key, .from = h->length};
	return l;
}

/* What stands behind that line is moved by so much. */
static void move_rest(struct held_lines *h, unsigned line, uint32_t end, int64_t by)
{
	memmove(h->bytes + end + by, h->bytes + end, h->length - end);
	for (unsigned i = line + 1; i < h->count; i++)
		h->lines[i].from = (uint32_t)(h->lines[i].from + by);
	h->length = (uint32_t)(h->length + by);
}

void held_lines_append(struct held_lines *h, unsigned line, const uint8_t *bytes, uint32_t length)
{
	assert(line < h->count && length <= h->capacity - h->length);
	struct held_line *l = &h->lines[line];
	uint32_t end = l->from + l->length;
	move_rest(h, line, end, length);
	if (length)
		memcpy(h->bytes + end, bytes, length);
	l->length += length;
}

void held_lines_drop(struct held_lines *h, unsigned line)
{
	assert(line < h->count);
	struct held_line *l = &h->lines[line];
	move_rest(h, line, l->from + l->length, -(int64_t)l->length);
	h->count--;
	memmove(l, l + 1, (h->count - line) * sizeof *l);
}

/* ---- bytes ---- */

void held_lines_pack(const struct held_lines *h, struct packer *p)
{
	packer_varint(p, h->count);
	for (unsigned i = 0; i < h->count; i++) {
		const struct held_line *l = &h->lines[i];
		packer_u64(p, l->key.origin);
		packer_varint(p, l->key.is_error);
		packer_varint(p, l->key.is_json);
		packer_bytes(p, l->time, l->time_length);
		packer_bytes(p, h->bytes + l->from, l->length);
	}
}

static int unpack_line(struct held_lines *h, struct packed *from)
{
	struct held_key key = {.origin = packed_u64(from)};
	size_t time_length, length;
	key.is_error = packed_varint(from) != 0;
	key.is_json = packed_varint(from) != 0;
	const uint8_t *time = packed_bytes(from, &time_length);
	const uint8_t *bytes = packed_bytes(from, &length);
	if (from->broken || time_length > HELD_TIME_MAX || held_lines_find(h, &key) >= 0)
		return -EBADMSG;
	if (!held_lines_fit(h, -1, length))
		return -E2BIG;
	struct held_line *l = held_lines_add(h, &key);
	memcpy(l->time, time, time_length);
	l->time_length = (uint8_t)time_length;
	l->delimiter = (struct delimiter){{'\n'}, 1};
	held_lines_append(h, h->count - 1, bytes, (uint32_t)length);
	return 0;
}

int held_lines_unpack(struct held_lines *h, const uint8_t *bytes, size_t length)
{
	struct packed from = packed_from(bytes, length);
	assert(h->count == 0);
	uint64_t count = packed_varint(&from);
	int r = 0;
	for (uint64_t i = 0; r == 0 && i < count; i++)
		r = unpack_line(h, &from);
	if (r == 0 && !packed_is_whole(&from))
		r = -EBADMSG;
	if (r < 0)
		h->count = h->length = 0;
	return r;
}
