/* blocks.h - 64 bytes at a time: the vector loops under lines.h, literal.h and literals.h, once for each instruction
 * set.
 *
 *	bytes   ... 2 0 0 \n G E T   / b   5 0 0 \n ...         one block: 64 bytes
 *	mask    ... 0 0 0  1 0 0 0 0 0 0 0 0 0 0  1 ...         one bit each, the first byte's is the lowest
 *
 * Every loop reads exactly the blocks it is told to. What is left over at the end of a region, less than a block, is
 * for the _rest functions, which copy it first and so read nothing beyond.
 *
 * Threads: any; the choice of instruction set is made before main(). Memory: none. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BLOCK_BYTES = 64,
	BLOCKS_EQUAL_MAX = 64, /* blocks in one call of `equal` */
	FINGERPRINT_BYTES = 3,
};

/* For each of three neighbouring bytes, by low and by high nibble: which of eight buckets may go on. A bucket whose
 * bit is set in all six entries has a candidate there. */
struct fingerprints {
	uint8_t low[FINGERPRINT_BYTES][16], high[FINGERPRINT_BYTES][16];
};

struct fingerprint_hits {
	uint64_t mask;                /* positions with a candidate */
	uint8_t buckets[BLOCK_BYTES]; /* for each position, the buckets that have one */
};

struct block_kernels {
	const char *name;
	bool (*supported)(void);

	/* Fills masks[i] for each of count (<= BLOCKS_EQUAL_MAX) blocks: which bytes equal value. Returns a mask of the
	 * blocks that have any. */
	uint64_t (*equal)(const uint8_t *bytes, size_t count, uint8_t value, uint64_t *masks);

	/* The first of count blocks in which, at some position, `first` holds x and `second` holds y; count when there
	 * is none. *ret_mask is set to the positions when there is. */
	size_t (*pair)(const uint8_t *first, const uint8_t *second, size_t count, uint8_t x,
		       uint8_t y, uint64_t *ret_mask);

	/* The first of count blocks with a candidate; count when there is none. Reads FINGERPRINT_BYTES - 1 bytes
	 * beyond the last block. *ret_hits is filled in when there is one. */
	size_t (*fingerprints)(const struct fingerprints *f, const uint8_t *bytes, size_t count,
			       struct fingerprint_hits *ret_hits);
};

/* Widest first, the last of them runs anywhere; ends with a NULL name. */
extern const struct block_kernels block_kernels_all[];

/* The widest that this machine supports. Tests put the others here. */
extern const struct block_kernels *block_kernels;

/* The same for n < BLOCK_BYTES positions. The bits from n on are 0. */
uint64_t blocks_equal_rest(const uint8_t *bytes, size_t n, uint8_t value);
uint64_t blocks_pair_rest(const uint8_t *first, const uint8_t *second, size_t n, uint8_t x,
			  uint8_t y);

/* Here bytes are all there is, n < BLOCK_BYTES + FINGERPRINT_BYTES - 1 of them, and the last candidates may reach
 * beyond: they are to be verified in any case. False when there is none. At most the first BLOCK_BYTES positions. */
bool blocks_fingerprints_rest(const struct fingerprints *f, const uint8_t *bytes, size_t n,
			      struct fingerprint_hits *ret_hits);
