/* zstd_reader.h - decompresses a stream of zstd frames: any number of them, one behind the other, skippable ones too.
 *
 *   room/add: compressed bytes in        read: plain bytes out, to wherever the caller wants them
 *        |                                  ^
 *        v                                  |
 *   [ input, ZSTD_READER_INPUT bytes ] -> context (window of at most ZSTD_READER_WINDOW)
 *
 *   `at`: how much of the compressed stream was consumed;  `in_frame`: a frame has begun and not ended.
 *
 * The library is fed one block at a time: when a block is damaged, all those before it have come out.
 * Bounded: a frame that asks for a larger window is refused, and read() never makes more than there is room for.
 * Threads: the owner's. Memory: taken by zstd_reader_init(). Layer: stages, libzstd. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	ZSTD_READER_INPUT = 128 * 1024,
	ZSTD_READER_WINDOW = 8 * 1024 * 1024,
	ZSTD_READER_HEADER = 18, /* the longest frame header */
	ZSTD_READER_WHY = 96,
};

struct zstd_reader {
	struct ZSTD_DCtx_s *context; /* NULL: not initialised */
	uint8_t *input;
	size_t from, to; /* of input: not yet consumed */
	uint64_t at;
	bool in_frame;
	bool frame_ended; /* the last read() came to the end of a frame, which lies at `at` */
	bool damaged;
	bool was_full;                      /* there may be bytes to come without more input */
	size_t wanted;                      /* compressed bytes that one more step takes */
	uint8_t header[ZSTD_READER_HEADER]; /* the first bytes of the current frame, for messages */
	size_t header_length;
	char why[ZSTD_READER_WHY]; /* after -EBADMSG: what is wrong, with no line end */
};

/* Bytes that zstd_reader_init() takes. */
size_t zstd_reader_memory(void);

/* True if the stream begins like a zstd frame that holds data. Needs 4 bytes to be sure. */
bool zstd_reader_recognises(const uint8_t *bytes, size_t length);

/* 0 or -ENOMEM. A reader of all zeros is safe to release. */
int zstd_reader_init(struct zstd_reader *r);
void zstd_reader_release(struct zstd_reader *r);

/* Begins anew at a frame that starts at offset `at` of the stream. */
void zstd_reader_start(struct zstd_reader *r, uint64_t at);

/* Room for compressed bytes; at least one unless input is left. They belong at stream offset zstd_reader_wants(). */
size_t zstd_reader_room(struct zstd_reader *r, uint8_t **ret_bytes);
uint64_t zstd_reader_wants(const struct zstd_reader *r);
void zstd_reader_add(struct zstd_reader *r, size_t n);

/* Decompresses into bytes[0, room): how many were made, 0 when it needs more input, -EBADMSG when the stream is
 * damaged at or shortly behind `at`, or asks for too large a window; `why` says which. Stops at the end of each
 * frame. After -EBADMSG only zstd_reader_start() may follow. */
ssize_t zstd_reader_read(struct zstd_reader *r, uint8_t *bytes, size_t room);
