/* segment_format.h - what stands in a segment file: a head, then entries, each at the place that it names itself.
 *
 *   head   "SLUICESG" | version, u32 | 0, u32 | base, u64 | salt, u64 | XXH3 of all before, u64
 *   entry  XXH3 of all behind, u64 | position, u64 | durable, u64 | length, u32 | head check, u32 | payload | 0 up to a multiple of 8
 *
 *   log    |  segment 0000...0  |  segment 0000...8010  |  ...
 *          0                    0x8010 = its base, its file's name, the position of its first byte
 *
 * A position is a byte's place in the whole log, heads included: it only ever grows. An entry is one only at its position and
 * with its log's salt, so nothing that somebody sent as a payload, and nothing of another log that the disk still held, can be
 * taken for one. `durable`: what lies before was on disk when it was written: what is broken there is damage; behind it may
 * just have been torn by a crash.
 *
 * Numbers are written the lowest byte first. Threads: any. Memory: the callers'. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SEGMENT_HEAD = 40,
	SEGMENT_ENTRY_HEAD = 32,
	SEGMENT_ALIGN = 8, /* of entries within their log */
	SEGMENT_NAME_MAX = 32,
};

struct segment_head {
	uint64_t base, salt;
};

void segment_head_write(uint8_t bytes[SEGMENT_HEAD], const struct segment_head *head);

/* False: it is none. */
bool segment_head_read(const uint8_t bytes[SEGMENT_HEAD], struct segment_head *ret_head);

struct segment_entry_head {
	uint64_t position, durable;
	uint32_t length; /* of the payload */
};

/* How many bytes an entry takes with a payload of that length. */
static inline uint64_t segment_entry_bytes(uint64_t length)
{
	return SEGMENT_ENTRY_HEAD + (length + SEGMENT_ALIGN - 1) / SEGMENT_ALIGN * SEGMENT_ALIGN;
}

/* The head, and zeroes behind the payload, which stands at bytes + SEGMENT_ENTRY_HEAD already. */
void segment_entry_seal(uint8_t *bytes, uint64_t salt, const struct segment_entry_head *head);

/* True if these SEGMENT_ENTRY_HEAD bytes are the head of an entry at that position; of its payload nothing is said. */
bool segment_entry_head_read(const uint8_t *bytes, uint64_t salt, uint64_t position,
			     struct segment_entry_head *ret_head);

/* True if the entry is as it was sealed: all segment_entry_bytes() are there. */
bool segment_entry_is_whole(const uint8_t *bytes, uint64_t salt,
			    const struct segment_entry_head *head);

/* A segment's file name; and its base, if that is the name of one. */
void segment_name(uint64_t base, char out[SEGMENT_NAME_MAX]);
bool segment_name_read(const char *name, uint64_t *ret_base);

/* That name, for messages. */
struct segment_label {
	char text[SEGMENT_NAME_MAX];
};
struct segment_label segment_label(uint64_t base);
