/* gzip_reader.h - decompresses gzip (RFC 1952): any number of members, each one's checksum and length held against what
 * came out. Zeros between and behind members, as tapes and block devices leave them, are passed over.
 *
 * A checksum stands behind what it is of: what it condemns has come out by then.
 * Threads: the owner's. Memory: taken by gzip_reader_init(). Layer: stages, zlib. */
#pragma once

#include "stages/codec/decoder.h"

struct gzip_reader {
	struct decoder decoder;    /* must stand first */
	struct z_stream_s *stream; /* NULL: not initialised */
	bool was_full;             /* there may be bytes to come without more input */
};

/* Bytes that gzip_reader_init() takes, at most. */
size_t gzip_reader_memory(void);

/* True if the stream begins like a gzip member. Needs 3 bytes to be sure. */
bool gzip_reader_recognises(const uint8_t *bytes, size_t length);

/* 0 or -ENOMEM. A reader of all zeros is safe to release. */
int gzip_reader_init(struct gzip_reader *r);
/* The same of zlib's own wrapping (RFC 1950), which HTTP calls `deflate`. */
int gzip_reader_init_zlib(struct gzip_reader *r);
void gzip_reader_release(struct gzip_reader *r);
