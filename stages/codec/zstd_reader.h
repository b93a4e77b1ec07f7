/* zstd_reader.h - decompresses a stream of zstd frames: any number of them, one behind the other, skippable ones too.
 *
 * The library is fed one block at a time: when a block is damaged, all those before it have come out.
 * A frame that asks for a window larger than ZSTD_READER_WINDOW is refused.
 * Threads: the owner's. Memory: taken by zstd_reader_init(). Layer: stages, libzstd. */
#pragma once

#include "stages/codec/decoder.h"

enum {
	ZSTD_READER_WINDOW = 8 * 1024 * 1024,
	ZSTD_READER_HEADER = 18, /* the longest frame header */
};

struct zstd_reader {
	struct decoder decoder;             /* must stand first */
	struct ZSTD_DCtx_s *context;        /* NULL: not initialised */
	bool was_full;                      /* there may be bytes to come without more input */
	size_t wanted;                      /* compressed bytes that one more step takes */
	uint8_t header[ZSTD_READER_HEADER]; /* the first bytes of the current frame, for messages */
	size_t header_length;
};

/* Bytes that zstd_reader_init() takes. */
size_t zstd_reader_memory(void);

/* True if the stream begins like a zstd frame that holds data. Needs 4 bytes to be sure. */
bool zstd_reader_recognises(const uint8_t *bytes, size_t length);

/* 0 or -ENOMEM. A reader of all zeros is safe to release. */
int zstd_reader_init(struct zstd_reader *r);
void zstd_reader_release(struct zstd_reader *r);
