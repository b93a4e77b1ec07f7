#include "stages/codec/zstd_walk.h"
#include "stages/codec/zstd_magic.h"

#include <string.h>

enum {
	BLOCK_HEADER = 3,
	BLOCK_MAX = 128 * 1024,
	CHECKSUM = 4,
	SKIPPABLE_HEADER = 8,
};

enum block_type { BLOCK_RAW, BLOCK_RLE, BLOCK_COMPRESSED, BLOCK_RESERVED };

static uint64_t left(const struct zstd_walk *w)
{
	return w->length - w->at;
}

void zstd_walk_begin(struct zstd_walk *w, uint64_t length)
{
	*w =
	    (struct zstd_walk){.length = length, .ending = length == 0 ? ZSTD_WHOLE : ZSTD_WALKING};
}

size_t zstd_walk_wants(const struct zstd_walk *w)
{
	size_t most = w->within ? BLOCK_HEADER : ZSTD_HEADER_MAX;
	return left(w) < most ? (size_t)left(w) : most;
}

static uint32_t little_endian(const uint8_t *bytes, unsigned count)
{
	uint32_t n = 0;
	for (unsigned i = 0; i < count; i++)
		n |= (uint32_t)bytes[i] << (8 * i);
	return n;
}

static void end_frame(struct zstd_walk *w, uint64_t at)
{
	w->at = w->whole = w->sound = at;
	w->within = false;
}

/* Nothing whole comes any more. */
static void end_file(struct zstd_walk *w)
{
	if (!w->within)
		w->ending = ZSTD_WHOLE;
	else
		w->ending = w->is_sized ? ZSTD_SIZED : ZSTD_OPEN;
}

/* ---- frames ---- */

/* False: with fewer than four bytes, they do not even begin as a frame does. */
static bool begins_magic(const uint8_t *bytes, size_t length)
{
	static const uint8_t magic[] = {0x28, 0xB5, 0x2F, 0xFD};
	if (length >= ZSTD_MAGIC_LENGTH)
		return zstd_magic_is(bytes, length);
	return memcmp(bytes, magic, length) == 0;
}

static bool is_skippable(const uint8_t *bytes)
{
	return bytes[0] != 0x28;
}

/* How long the header is, by the byte behind the magic. */
static unsigned header_length(uint8_t descriptor)
{
	static const uint8_t dictionary[] = {0, 1, 2, 4}, content[] = {0, 2, 4, 8};
	bool is_single = descriptor & 0x20;
	unsigned size = content[descriptor >> 6];
	if (is_single && size == 0)
		size = 1;
	unsigned window = is_single ? 0 : 1;
	return ZSTD_MAGIC_LENGTH + 1 + window + dictionary[descriptor & 3] + size;
}

static void skip_frame(struct zstd_walk *w, const uint8_t *bytes)
{
	uint64_t length = SKIPPABLE_HEADER;
	if (left(w) >= length)
		length += little_endian(bytes + ZSTD_MAGIC_LENGTH, 4);
	if (left(w) < length)
		w->ending = ZSTD_SIZED;
	else
		end_frame(w, w->at + length);
}

static void take_frame_header(struct zstd_walk *w, const uint8_t *bytes, size_t length)
{
	if (!begins_magic(bytes, length)) {
		w->ending = ZSTD_DAMAGED;
	} else if (length > ZSTD_MAGIC_LENGTH && is_skippable(bytes)) {
		skip_frame(w, bytes);
	} else if (length <= ZSTD_MAGIC_LENGTH ||
		   left(w) < header_length(bytes[ZSTD_MAGIC_LENGTH])) {
		w->ending = ZSTD_OPEN;
	} else {
		uint8_t descriptor = bytes[ZSTD_MAGIC_LENGTH];
		w->within = true;
		w->has_checksum = descriptor & 4;
		w->is_sized = descriptor & 0xE0;
		w->at += header_length(descriptor);
		w->sound = w->at;
	}
}

/* ---- blocks ---- */

static void take_block_header(struct zstd_walk *w, const uint8_t *bytes, size_t length)
{
	uint32_t header = little_endian(bytes, length < BLOCK_HEADER ? 0 : BLOCK_HEADER);
	enum block_type type = header >> 1 & 3;
	uint32_t size = header >> 3;
	bool is_last = header & 1;
	uint64_t whole = BLOCK_HEADER + (type == BLOCK_RLE ? 1 : size);
	whole += is_last && w->has_checksum ? CHECKSUM : 0;
	if (type == BLOCK_RESERVED || size > BLOCK_MAX)
		w->ending = ZSTD_DAMAGED;
	else if (length < BLOCK_HEADER || left(w) < whole)
		end_file(w);
	else if (is_last)
		end_frame(w, w->at + whole);
	else
		w->at = w->sound = w->at + whole;
}

void zstd_walk_put(struct zstd_walk *w, const uint8_t *bytes, size_t length)
{
	const uint64_t from = w->at;
	while (w->ending == ZSTD_WALKING) {
		if (left(w) == 0) {
			end_file(w);
			return;
		}
		uint64_t done = w->at - from;
		if (done > length || length - done < zstd_walk_wants(w))
			return;
		const uint8_t *here = bytes + done;
		if (w->within)
			take_block_header(w, here, zstd_walk_wants(w));
		else
			take_frame_header(w, here, zstd_walk_wants(w));
	}
}
