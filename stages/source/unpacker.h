/* unpacker.h - decompresses the compressed file whose turn it is, and knows where to begin again should another one
 * take the decompressor over.
 *
 *   compressed   [ frame ......... ][ frame ....  (end for now)
 *                ^ file->place.at     ^ frame_at
 *   plain        aaaaaaaaaaaaaaaaaaaaaabbbbbbbbb
 *                ^-------- skip -------->^           handed on; what follows is to be handed on
 *                ^---- frame_made --->^
 *                ^------------- made ----------->^
 *
 * Once all of a frame has been handed on, file->place.at moves to the next frame. The oldest end of a frame that still has
 * to be reached is remembered, no more; so after many small frames it begins again a little earlier than it must.
 *
 * A frame is gzip's member, too.
 *
 * Threads: the owner's. Memory: a decompressor of each kind, taken with the first file of that kind. Layer: stages. */
#pragma once

#include "stages/codec/gzip_reader.h"
#include "stages/codec/zstd_reader.h"
#include "stages/source/file_set.h"

struct unpacker {
	struct zstd_reader zstd;
	struct gzip_reader gzip;
	struct decoder *decoder;   /* file's: one of these */
	struct tracked_file *file; /* NULL: nobody's */
	uint64_t made;             /* since file->place.at */
	uint64_t to_skip;          /* of what will be made: was handed on before */
	bool frame_noted;
	uint64_t frame_at, frame_made;
};

enum unpacked {
	UNPACKED_BYTES,
	UNPACKED_MORE,  /* call again */
	UNPACKED_WANTS, /* the decoder needs input */
	UNPACKED_DAMAGED,
};

/* What both kinds take together, in bytes. */
size_t unpacker_memory(void);

/* Makes file the one being read: where it was if it still is, else from file->place.at. 0 or -ENOMEM. */
int unpacker_take(struct unpacker *u, struct tracked_file *file);
void unpacker_release(struct unpacker *u);

/* UNPACKED_BYTES: *ret_length new bytes. */
enum unpacked unpacker_fill(struct unpacker *u, uint8_t *bytes, size_t room, size_t *ret_length);

/* n more of the bytes made were handed on: moves at and skip of file->place. */
void unpacker_consumed(struct unpacker *u, size_t n);
