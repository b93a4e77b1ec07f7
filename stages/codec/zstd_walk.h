/* zstd_walk.h - finds from their headers alone where the frames and blocks of a zstd file end (RFC 8878, 3.1.1).
 *
 *   frame | frame | header, block, block, half a blo
 *                 ^whole               ^sound            an open frame: nothing can follow it before it is closed
 *
 *	zstd_walk_begin(&w, length);
 *	while (w.ending == ZSTD_WALKING)
 *		zstd_walk_put(&w, bytes, as many as were read at w.at)      at least zstd_walk_wants(&w)
 *
 * What the blocks hold is not looked at.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ZSTD_HEADER_MAX = 18 }; /* of a frame; those of blocks are shorter */

enum zstd_ending {
	ZSTD_WALKING,
	ZSTD_WHOLE,
	ZSTD_OPEN, /* within a frame, or its header */
	ZSTD_SIZED, /* within a frame that says how much it holds: closed earlier, it would be damaged */
	ZSTD_DAMAGED, /* no frame or block begins at `at` */
};

struct zstd_walk {
	uint64_t length;             /* of the file */
	uint64_t at;                 /* of the header that comes next */
	uint64_t whole, sound;       /* so far */
	bool within;                 /* a frame */
	bool has_checksum, is_sized; /* that one */
	enum zstd_ending ending;
};

void zstd_walk_begin(struct zstd_walk *w, uint64_t length);

/* Bytes that the next header may have. */
size_t zstd_walk_wants(const struct zstd_walk *w);

/* What stands at w->at; goes as far as it leads. */
void zstd_walk_put(struct zstd_walk *w, const uint8_t *bytes, size_t length);
