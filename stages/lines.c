#include "stages/lines.h"

#include "stages/blocks.h"

#include <assert.h>
#include <string.h>

/* Where the records go, and where the line being looked at began. */
struct framing {
	struct record *next, *last; /* last: one past the room there is */
	uint32_t start;
};

static inline void frame_line(struct framing *f, uint32_t end, uint32_t delimiter_length)
{
	*f->next++ = (struct record){.offset = f->start, .length = end - f->start};
	f->start = end + delimiter_length;
}

/* Cuts at each newline of the blocks that begin at offset `at`; `some` says which blocks have any, so that the empty
 * ones cost nothing, not even a mispredicted branch. */
static void frame_blocks(struct framing *f, size_t at, const uint64_t *masks, uint64_t some)
{
	struct framing local =
	    *f; /* in registers: records could alias *f as far as the compiler knows */
	for (; some; some &= some - 1) {
		unsigned block = (unsigned)__builtin_ctzll(some);
		uint32_t base = (uint32_t)at + block * BLOCK_BYTES;
		uint64_t mask = masks[block];
		do {
			if (local.next == local.last)
				goto full;
			frame_line(&local, base + (uint32_t)__builtin_ctzll(mask), 1);
			mask &= mask - 1;
		} while (mask);
	}
full:
	*f = local;
}

size_t lines_find(const uint8_t *bytes, size_t from, size_t to, uint8_t newline,
		  struct record *records, size_t room, size_t *ret_next)
{
	assert(from <= to && to <= UINT32_MAX);
	struct framing f = {records, records + room, (uint32_t)from};
	uint64_t masks[BLOCKS_EQUAL_MAX];
	size_t at = from;
	while (to - at >= BLOCK_BYTES && f.next < f.last) {
		size_t count = (to - at) / BLOCK_BYTES;
		if (count > BLOCKS_EQUAL_MAX)
			count = BLOCKS_EQUAL_MAX;
		uint64_t some = block_kernels->equal(bytes + at, count, newline, masks);
		frame_blocks(&f, at, masks, some);
		at += count * BLOCK_BYTES;
	}
	if (at < to && f.next < f.last) {
		masks[0] = blocks_equal_rest(bytes + at, to - at, newline);
		frame_blocks(&f, at, masks, masks[0] != 0);
	}
	*ret_next = f.start;
	return (size_t)(f.next - records);
}

/* Cuts at each candidate of one block that is a delimiter and does not begin within the one before. */
static void frame_candidates(struct framing *f, const uint8_t *bytes, size_t at, uint64_t mask,
			     const struct delimiter *d)
{
	for (; mask && f->next < f->last; mask &= mask - 1) {
		size_t end = at + (size_t)__builtin_ctzll(mask);
		/* first and last byte are known to match */
		if (end >= f->start && memcmp(bytes + end + 1, d->bytes + 1, d->length - 2u) == 0)
			frame_line(f, (uint32_t)end, d->length);
	}
}

size_t lines_find_delimited(const uint8_t *bytes, size_t from, size_t to,
			    const struct delimiter *delimiter, struct record *records, size_t room,
			    size_t *ret_next)
{
	assert(from <= to && to <= UINT32_MAX);
	assert(delimiter->length >= 1 && delimiter->length <= DELIMITER_MAX);
	const size_t reach = delimiter->length - 1u;
	const uint8_t x = delimiter->bytes[0], y = delimiter->bytes[reach];
	if (reach == 0)
		return lines_find(bytes, from, to, x, records, room, ret_next);

	struct framing f = {records, records + room, (uint32_t)from};
	size_t at = from,
	       end = to - from > reach ? to - reach : from; /* positions that can begin one */
	while (at < end && f.next < f.last) {
		uint64_t mask = 0;
		const uint8_t *first = bytes + at, *second = first + reach;
		size_t blocks = (end - at) / BLOCK_BYTES;
		if (blocks == 0) {
			mask = blocks_pair_rest(first, second, end - at, x, y);
			frame_candidates(&f, bytes, at, mask, delimiter);
			break;
		}
		size_t passed = block_kernels->pair(first, second, blocks, x, y, &mask);
		at += passed * BLOCK_BYTES;
		if (passed < blocks) {
			frame_candidates(&f, bytes, at, mask, delimiter);
			at += BLOCK_BYTES;
		}
	}
	*ret_next = f.start;
	return (size_t)(f.next - records);
}
