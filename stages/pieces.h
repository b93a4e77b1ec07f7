/* pieces.h - the bytes that some of a batch's records become in an output: each record followed by the output's
 * delimiter.
 *
 *   records      [a][b]   [d]           b's neighbour c was filtered out
 *   in memory     a\nb\nc\nd\n
 *   pieces       {a\nb\n} {d\n}         runs of neighbours need no copy when both sides delimit alike
 *   otherwise    {a} {b} {d}            one by one, `bare`: the delimiter is for the caller to add
 *
 * Threads: any; the batch is only read. Memory: pieces point into the batch's buffer. Layer: stages. */
#pragma once

#include "stages/batch.h"

struct piece {
	const uint8_t *bytes;
	size_t length;
	uint32_t count; /* records */
	bool bare;      /* the output's delimiter is still to follow */
};

struct pieces {
	const struct batch *batch;
	const struct delimiter *delimiter; /* the output's */
	uint32_t next, end;                /* records */
	bool alike;                        /* the batch is delimited as the output is */
};

/* Records [first, end) of b. The delimiter must outlive p. */
void pieces_begin(struct pieces *p, const struct batch *b, uint32_t first, uint32_t end,
		  const struct delimiter *delimiter);

/* False when there are no more. */
bool pieces_next(struct pieces *p, struct piece *ret_piece);

/* How many of b's records [first, end) fit into room bytes, each with `delimiter` bytes behind it; *ret_bytes is
 * what they take. Looks at each of those records, but at none if all of the batch fits. */
uint32_t pieces_fit(const struct batch *b, uint32_t first, uint32_t end, size_t delimiter,
		    uint64_t room, uint64_t *ret_bytes);
