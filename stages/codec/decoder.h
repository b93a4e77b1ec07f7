/* decoder.h - one interface to what decompresses: a stream of frames, as zstd calls them, or members, as gzip does, any
 * number of them, one behind the other.
 *
 *   room/add: compressed bytes in        read: plain bytes out, to wherever the caller wants them
 *        |                                  ^
 *        v                                  |
 *   [ input, DECODER_INPUT bytes ] ->  zstd_reader, gzip_reader
 *
 *   `at`: how much of the compressed stream was consumed;  `in_frame`: a frame has begun and not ended.
 *
 * What stands before damage comes out before it is told. read() never makes more than there is room for.
 * Threads: the owner's. Memory: taken by the reader's init. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { DECODER_INPUT = 128 * 1024, DECODER_WHY = 96 };

struct decoder;

/* For those who write one. */
struct decoder_type {
	void (*reset)(struct decoder *d);
	/* As decoder_read(), save that `damaged` is seen to. */
	ssize_t (*read)(struct decoder *d, uint8_t *bytes, size_t room);
};

struct decoder {
	const struct decoder_type *type; /* NULL: not initialised */
	uint8_t *input;
	size_t from, to; /* of input: not yet consumed */
	uint64_t at;
	bool in_frame;
	bool frame_ended; /* the last read() came to the end of a frame, which lies at `at` */
	bool damaged;
	char why[DECODER_WHY]; /* after -EBADMSG: what is wrong, with no line end */
};

/* Of the reader that holds it. 0 or -ENOMEM. */
int decoder_init(struct decoder *d, const struct decoder_type *type);
void decoder_release(struct decoder *d);

/* Begins anew at a frame that starts at offset `at` of the stream. */
void decoder_start(struct decoder *d, uint64_t at);

/* Room for compressed bytes; at least one unless input is left. They belong at stream offset decoder_wants(). */
size_t decoder_room(struct decoder *d, uint8_t **ret_bytes);
uint64_t decoder_wants(const struct decoder *d);
void decoder_add(struct decoder *d, size_t n);

/* Decompresses into bytes[0, room): how many were made, 0 when it needs more input (or a frame ended, see frame_ended), -EBADMSG when the stream is damaged
 * at or shortly behind `at`, or asks for more than is given; `why` says which. Stops at the end of each frame. After
 * -EBADMSG only decoder_start() may follow. */
ssize_t decoder_read(struct decoder *d, uint8_t *bytes, size_t room);
