/* fuzz_decoders.c - any bytes as a compressed file, read by zstd's and by gzip's reader with every size of room: never
 * more than there is room for, an end, and the same whatever the sizes.
 *
 *   first byte: which reader, and how much room and how many bytes at a time; the rest: the file
 *
 * Layer: tests, libFuzzer. */
#include "stages/codec/gzip_reader.h"
#include "stages/codec/zstd_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { MADE_MAX = 1 << 22, ROOM = 1 << 16 };

/* What was made of it. */
struct made {
	uint64_t bytes, sum;
	bool broken; /* damaged, or it ends within a frame */
};

static size_t feed(struct decoder *d, const uint8_t *bytes, size_t length, size_t most)
{
	uint8_t *room;
	uint64_t at = decoder_wants(d);
	size_t n = decoder_room(d, &room);
	assert(at <= length);
	if (n > most)
		n = most;
	if (n > length - at)
		n = length - (size_t)at;
	memcpy(room, bytes + at, n);
	decoder_add(d, n);
	return n;
}

static struct made decode(struct decoder *d, const uint8_t *bytes, size_t length, size_t most,
			  size_t room)
{
	static uint8_t out[ROOM];
	struct made m = {.bytes = 0};
	decoder_start(d, 0);
	while (m.bytes < MADE_MAX) {
		ssize_t n = decoder_read(d, out, room);
		assert(n == -EBADMSG || (n >= 0 && (size_t)n <= room));
		assert(d->at <= length);
		if (n < 0)
			assert(strlen(d->why) > 0 && !strchr(d->why, '\n'));
		if (n < 0 || (n == 0 && !d->frame_ended && feed(d, bytes, length, most) == 0))
			break;
		for (ssize_t i = 0; i < n; i++)
			m.sum = m.sum * 31 + out[i];
		m.bytes += (uint64_t)n;
	}
	m.broken = d->damaged || d->in_frame;
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct zstd_reader zstd;
	static struct gzip_reader gzip;
	if (!zstd.decoder.type && (zstd_reader_init(&zstd) < 0 || gzip_reader_init(&gzip) < 0))
		abort();
	if (length == 0)
		return 0;
	struct decoder *d = bytes[0] & 1 ? &gzip.decoder : &zstd.decoder;
	size_t most = (size_t)1 << (bytes[0] >> 1 & 7), room = (size_t)1 << (bytes[0] >> 4);
	struct made whole = decode(d, bytes + 1, length - 1, SIZE_MAX, ROOM);
	struct made pieces = decode(d, bytes + 1, length - 1, most, room);
	if (whole.bytes >= MADE_MAX || pieces.bytes >= MADE_MAX)
		return 0;
	assert(whole.broken == pieces.broken);
	if (!whole.broken)
		assert(whole.bytes == pieces.bytes && whole.sum == pieces.sum);
	return 0;
}
