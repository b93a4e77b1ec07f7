#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_getFrameHeader, ZSTD_estimateDStreamSize: in every libzstd since 1.3 */
#include "stages/codec/zstd_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* What the library says it wants next takes in the header of the block after. That one must not be given along: if it
 * is damaged, the call fails, and nobody learns how much of the block before had come out. */
enum { START = 5, BLOCK_HEADER = 3 };

static struct zstd_reader *of(struct decoder *d)
{
	return (struct zstd_reader *)(void *)d;
}

size_t zstd_reader_memory(void)
{
	return ZSTD_estimateDStreamSize(ZSTD_READER_WINDOW) + DECODER_INPUT;
}

bool zstd_reader_recognises(const uint8_t *bytes, size_t length)
{
	static const uint8_t magic[] = {0x28, 0xB5, 0x2F, 0xFD};
	return length >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

static void remember_header(struct zstd_reader *r, const uint8_t *bytes, size_t n)
{
	size_t room = ZSTD_READER_HEADER - r->header_length;
	if (n > room)
		n = room;
	memcpy(r->header + r->header_length, bytes, n);
	r->header_length += n;
}

static int say_why(struct zstd_reader *r, size_t result)
{
	ZSTD_frameHeader header;
	if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge &&
	    ZSTD_getFrameHeader(&header, r->header, r->header_length) == 0)
		snprintf(r->decoder.why, sizeof r->decoder.why,
			 "needs a window of %llu KiB; at most %d KiB are given",
			 (header.windowSize + 1023) / 1024, ZSTD_READER_WINDOW / 1024);
	else
		snprintf(r->decoder.why, sizeof r->decoder.why, "%s", ZSTD_getErrorName(result));
	return -EBADMSG;
}

/* One call of the library, for at most a block: bytes made, or -EBADMSG. */
static ssize_t decompress_block(struct zstd_reader *r, uint8_t *bytes, size_t room)
{
	struct decoder *d = &r->decoder;
	size_t available = d->to - d->from;
	size_t block = r->wanted > BLOCK_HEADER ? r->wanted - BLOCK_HEADER : 1;
	size_t given = available < block ? available : block;
	ZSTD_inBuffer in = {d->input + d->from, given, 0};
	ZSTD_outBuffer out = {bytes, room, 0};
	if (!d->in_frame)
		r->header_length = 0;
	remember_header(r, d->input + d->from, given);
	size_t result = ZSTD_decompressStream(r->context, &out, &in);
	if (ZSTD_isError(result)) {
		d->damaged = true;
		return say_why(r, result);
	}
	d->from += in.pos;
	d->at += in.pos;
	d->frame_ended = result == 0;
	d->in_frame = result != 0;
	r->wanted = result ? result : START;
	r->was_full = out.pos == room;
	return (ssize_t)out.pos;
}

static bool can_go_on(const struct zstd_reader *r)
{
	return r->decoder.from < r->decoder.to || (r->decoder.in_frame && r->was_full);
}

static ssize_t read_some(struct decoder *d, uint8_t *bytes, size_t room)
{
	struct zstd_reader *r = of(d);
	size_t made = 0;
	while (made < room && !d->frame_ended && can_go_on(r)) {
		ssize_t n = decompress_block(r, bytes + made, room - made);
		if (n < 0)
			return made > 0 ? (ssize_t)made : n;
		made += (size_t)n;
	}
	return (ssize_t)made;
}

static void reset(struct decoder *d)
{
	struct zstd_reader *r = of(d);
	ZSTD_DCtx_reset(r->context, ZSTD_reset_session_only);
	r->was_full = false;
	r->wanted = START;
	r->header_length = 0;
}

static const struct decoder_type zstd_decoder = {.reset = reset, .read = read_some};

int zstd_reader_init(struct zstd_reader *r)
{
	memset(r, 0, sizeof *r);
	r->context = ZSTD_createDCtx();
	if (decoder_init(&r->decoder, &zstd_decoder) < 0 || !r->context) {
		zstd_reader_release(r);
		return -ENOMEM;
	}
	size_t result = ZSTD_DCtx_setMaxWindowSize(r->context, ZSTD_READER_WINDOW);
	assert(!ZSTD_isError(result));
	(void)result;
	decoder_start(&r->decoder, 0);
	return 0;
}

void zstd_reader_release(struct zstd_reader *r)
{
	ZSTD_freeDCtx(r->context);
	decoder_release(&r->decoder);
	memset(r, 0, sizeof *r);
}
