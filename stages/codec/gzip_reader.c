#include "stages/codec/gzip_reader.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	WINDOW_BITS = 15,
	GZIP_ONLY = 16, /* added to the bits: neither zlib's own wrapping nor none */
	/* "about 7 KB" (zconf.h) besides the window; 1.2.13 takes 9544 bytes on 64 bits */
	STATE_BYTES = 16 * 1024,
};

static struct gzip_reader *of(struct decoder *d)
{
	return (struct gzip_reader *)(void *)d;
}

size_t gzip_reader_memory(void)
{
	return (1u << WINDOW_BITS) + STATE_BYTES + DECODER_INPUT;
}

bool gzip_reader_recognises(const uint8_t *bytes, size_t length)
{
	static const uint8_t magic[] = {0x1f, 0x8b, Z_DEFLATED};
	return length >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

static void reset(struct decoder *d)
{
	int result = inflateReset(of(d)->stream);
	assert(result == Z_OK);
	(void)result;
	of(d)->was_full = false;
}

static size_t skip_zeros(struct decoder *d)
{
	size_t before = d->from;
	while (d->from < d->to && d->input[d->from] == 0)
		d->from++;
	d->at += d->from - before;
	return d->to - d->from;
}

static void note_damage(struct decoder *d, int result)
{
	const char *why = of(d)->stream->msg;
	d->damaged = true;
	if (result == Z_MEM_ERROR)
		why = "out of memory";
	snprintf(d->why, sizeof d->why, "%s", why ? why : "not what gzip writes");
}

/* One call of the library: bytes made; sets `damaged`. */
static size_t inflate_some(struct decoder *d, uint8_t *bytes, size_t room)
{
	z_stream *s = of(d)->stream;
	s->next_in = d->input + d->from;
	s->avail_in = (uInt)(d->to - d->from);
	s->next_out = bytes;
	s->avail_out = (uInt)room;
	int result = inflate(s, Z_NO_FLUSH);
	size_t consumed = d->to - d->from - s->avail_in;
	d->from += consumed;
	d->at += consumed;
	d->in_frame |= consumed > 0;
	of(d)->was_full = s->avail_out == 0;
	if (result == Z_STREAM_END) {
		reset(d);
		d->in_frame = false;
		d->frame_ended = true;
	} else if (result != Z_OK && result != Z_BUF_ERROR) {
		note_damage(d, result);
	}
	return room - s->avail_out;
}

static bool can_go_on(struct decoder *d)
{
	size_t left = d->in_frame || d->at == 0 ? d->to - d->from : skip_zeros(d);
	return left > 0 || (d->in_frame && of(d)->was_full);
}

static ssize_t read_some(struct decoder *d, uint8_t *bytes, size_t room)
{
	size_t made = 0;
	if (room > UINT_MAX)
		room = UINT_MAX;
	while (made < room && !d->frame_ended && !d->damaged && can_go_on(d))
		made += inflate_some(d, bytes + made, room - made);
	return d->damaged && made == 0 ? -EBADMSG : (ssize_t)made;
}

static const struct decoder_type gzip_decoder = {.reset = reset, .read = read_some};

static int init(struct gzip_reader *r, int window_bits)
{
	memset(r, 0, sizeof *r);
	z_stream *s = calloc(1, sizeof *s);
	if (!s || inflateInit2(s, window_bits) != Z_OK) {
		free(s);
		return -ENOMEM;
	}
	r->stream = s;
	if (decoder_init(&r->decoder, &gzip_decoder) < 0) {
		gzip_reader_release(r);
		return -ENOMEM;
	}
	decoder_start(&r->decoder, 0);
	return 0;
}

int gzip_reader_init(struct gzip_reader *r)
{
	return init(r, WINDOW_BITS + GZIP_ONLY);
}

int gzip_reader_init_zlib(struct gzip_reader *r)
{
	return init(r, WINDOW_BITS);
}

void gzip_reader_release(struct gzip_reader *r)
{
	if (r->stream)
		inflateEnd(r->stream);
	free(r->stream);
	decoder_release(&r->decoder);
	memset(r, 0, sizeof *r);
}
