/* fuzz_zstd_walk.c - any bytes as a zstd output that something is to follow: the walk over its headers ends within it, the
 * same however much it is given at a time; what decodes whole is found whole; what was open and has been closed decodes.
 *
 *   first byte: how many bytes at a time; the rest: the file
 *
 * Layer: tests, libFuzzer. */
#include "stages/codec/zstd_mending.h"
#include "stages/codec/zstd_walk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { DECODED = 1 << 16 };

static struct zstd_walk walk(const uint8_t *bytes, size_t length, size_t most)
{
	struct zstd_walk w;
	zstd_walk_begin(&w, length);
	while (w.ending == ZSTD_WALKING) {
		size_t wants = zstd_walk_wants(&w), left = length - (size_t)w.at;
		size_t n = most < wants ? wants : most < left ? most : left;
		assert(w.at <= length && wants <= left);
		zstd_walk_put(&w, bytes + w.at, n);
	}
	assert(w.whole <= w.sound && w.sound <= w.at && w.at <= length);
	return w;
}

/* Frames of zstd before 0.8, which some libraries decode, too; we write none behind them. */
static bool is_legacy(const uint8_t *bytes, size_t length)
{
	return length >= 4 && bytes[0] >= 0x1E && bytes[0] <= 0x27 && bytes[1] == 0xB5 &&
	       bytes[2] == 0x2F && bytes[3] == 0xFD;
}

static bool decodes_whole(ZSTD_DCtx *decoder, const uint8_t *bytes, size_t length)
{
	static uint8_t out[DECODED];
	ZSTD_inBuffer in = {bytes, length, 0};
	size_t left = 0;
	bool is_full = false;
	ZSTD_DCtx_reset(decoder, ZSTD_reset_session_only);
	while (in.pos < in.size || (is_full && left != 0)) {
		ZSTD_outBuffer to = {out, DECODED, 0};
		left = ZSTD_decompressStream(decoder, &to, &in);
		is_full = to.pos == to.size;
		if (ZSTD_isError(left))
			return false;
	}
	return left == 0;
}

static void check_mended(ZSTD_DCtx *decoder, const uint8_t *bytes, const struct zstd_walk *w)
{
	struct zstd_mending m;
	uint8_t tail[ZSTD_TAIL];
	size_t sound = (size_t)w->sound;
	uint8_t *mended = malloc(sound + ZSTD_TAIL);
	if (!mended || zstd_mending_init(&m) < 0)
		abort();
	memcpy(mended, bytes, sound);
	bool is_open = w->within;
	if (!is_open || zstd_mending_put(&m, bytes + w->whole, sound - (size_t)w->whole) == 0) {
		size_t n = is_open ? zstd_mending_tail(&m, w->has_checksum, tail) : 0;
		memcpy(mended + sound, tail, n);
		bool begins_well = decodes_whole(decoder, bytes, (size_t)w->whole);
		assert(!begins_well || decodes_whole(decoder, mended, sound + n));
	}
	zstd_mending_release(&m);
	free(mended);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static ZSTD_DCtx *decoder;
	if (!decoder)
		decoder = ZSTD_createDCtx();
	if (!decoder)
		abort();
	if (length == 0)
		return 0;
	struct zstd_walk w = walk(bytes + 1, length - 1, SIZE_MAX);
	struct zstd_walk pieces = walk(bytes + 1, length - 1, bytes[0]);
	assert(w.ending == pieces.ending && w.at == pieces.at && w.sound == pieces.sound);
	if (decodes_whole(decoder, bytes + 1, length - 1))
		assert(w.ending == ZSTD_WHOLE ||
		       is_legacy(bytes + 1 + w.at, length - 1 - (size_t)w.at));
	if (w.ending == ZSTD_OPEN)
		check_mended(decoder, bytes + 1, &w);
	return 0;
}
