/* Where the frames and blocks of a zstd file end, and what is made of one that was cut off anywhere: as the library reads it. */
#include "stages/codec/zstd_mending.h"
#include "stages/codec/zstd_walk.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { PLAIN = 6000, FLUSHED = 1000, ROOM = 64 * 1024 };

struct made {
	uint8_t bytes[ROOM];
	size_t length;
	size_t frames[8], frame_count; /* where each begins, and the last ends */
};

static uint8_t plain[PLAIN];

static void fill_plain(void)
{
	for (size_t i = 0; i < PLAIN; i++)
		plain[i] = (uint8_t)("the quick brown fox "[i % 20] + (int)(i * i / 700 % 3));
}

/* A frame of `length` bytes, flushed after each FLUSHED of them. */
static void add_frame(struct made *m, size_t length, int checksum, int content_size)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum);
	ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, content_size);
	if (content_size)
		ZSTD_CCtx_setPledgedSrcSize(c, length);
	ZSTD_outBuffer out = {m->bytes, ROOM, m->length};
	m->frames[m->frame_count] = m->length;
	for (size_t at = 0; at < length; at += FLUSHED) {
		size_t n = length - at < FLUSHED ? length - at : FLUSHED;
		ZSTD_inBuffer in = {plain + at, n, 0};
		cr_assert_eq(ZSTD_compressStream2(c, &out, &in, ZSTD_e_flush), 0);
	}
	ZSTD_inBuffer none = {NULL, 0, 0};
	cr_assert_eq(ZSTD_compressStream2(c, &out, &none, ZSTD_e_end), 0);
	m->length = out.pos;
	m->frames[++m->frame_count] = m->length;
	ZSTD_freeCCtx(c);
}

static void add_skippable(struct made *m, uint8_t length)
{
	const uint8_t header[] = {0x53, 0x2A, 0x4D, 0x18, length, 0, 0, 0};
	memcpy(m->bytes + m->length, header, sizeof header);
	m->length += sizeof header + length;
	m->frames[++m->frame_count] = m->length;
}

/* With so many bytes read at a time. */
static struct zstd_walk walk(const uint8_t *bytes, size_t length, size_t most)
{
	struct zstd_walk w;
	zstd_walk_begin(&w, length);
	while (w.ending == ZSTD_WALKING) {
		size_t left = length - (size_t)w.at, wants = zstd_walk_wants(&w);
		cr_assert(w.at <= length && wants <= left);
		size_t n = most < wants ? wants : most < left ? most : left;
		zstd_walk_put(&w, bytes + w.at, n);
	}
	return w;
}

static size_t frame_before(const struct made *m, size_t length)
{
	size_t i = m->frame_count;
	while (m->frames[i] > length)
		i--;
	return m->frames[i];
}

static size_t decoded(const uint8_t *bytes, size_t length, uint8_t *into)
{
	size_t n = ZSTD_decompress(into, ROOM, bytes, length);
	cr_assert(!ZSTD_isError(n), "%s", ZSTD_getErrorName(n));
	return n;
}

/* The file as it is when what is open has been closed. */
static size_t mend(uint8_t *bytes, const struct zstd_walk *w)
{
	struct zstd_mending m;
	uint8_t tail[ZSTD_TAIL];
	if (!w->within)
		return (size_t)w->whole;
	cr_assert_eq(zstd_mending_init(&m), 0);
	cr_assert_eq(zstd_mending_put(&m, bytes + w->whole, (size_t)(w->sound - w->whole)), 0);
	size_t n = zstd_mending_tail(&m, w->has_checksum, tail);
	memcpy(bytes + w->sound, tail, n);
	zstd_mending_release(&m);
	return (size_t)w->sound + n;
}

/* Cut off anywhere, all whole blocks stay, and the library reads them. */
static void cut_everywhere(int checksum)
{
	static struct made m;
	static uint8_t cut[ROOM], out[ROOM], all[ROOM];
	m = (struct made){.length = 0};
	fill_plain();
	add_frame(&m, PLAIN, checksum, 0);
	add_frame(&m, 2500, checksum, 0);
	size_t whole = decoded(m.bytes, m.length, all), most = 0;
	for (size_t length = 0; length <= m.length; length++) {
		struct zstd_walk w = walk(m.bytes, length, 1 + length % 50);
		bool ends = frame_before(&m, length) == length;
		cr_assert_eq(w.ending, ends ? ZSTD_WHOLE : ZSTD_OPEN, "at %zu", length);
		cr_assert_eq(w.whole, frame_before(&m, length), "at %zu", length);
		memcpy(cut, m.bytes, length);
		size_t n = decoded(cut, ends ? length : mend(cut, &w), out);
		cr_assert(n >= most && memcmp(out, all, n) == 0, "at %zu", length);
		most = n;
	}
	cr_assert_eq(most, whole);
}

Test(zstd_walk, file_cut_off_anywhere_keeps_its_whole_blocks)
{
	cut_everywhere(1);
}

Test(zstd_walk, file_without_checksums_too)
{
	cut_everywhere(0);
}

Test(zstd_walk, block_is_lost_only_with_bytes_of_its_own)
{
	static struct made m;
	static uint8_t out[ROOM];
	fill_plain();
	add_frame(&m, 3 * FLUSHED, 1, 0);
	for (size_t length = m.length - 1; length > 0; length--) {
		struct zstd_walk w = walk(m.bytes, length, 4096);
		cr_assert(w.sound <= length);
		if (w.sound == length && w.within) { /* a block's end */
			static uint8_t cut[ROOM];
			memcpy(cut, m.bytes, length);
			cr_assert_eq(decoded(cut, mend(cut, &w), out) % FLUSHED, 0);
		}
	}
}

Test(zstd_walk, frame_that_says_how_much_it_holds_cannot_be_closed)
{
	static struct made m;
	fill_plain();
	add_frame(&m, PLAIN, 1, 1);
	cr_assert_eq(walk(m.bytes, m.length, 4096).ending, ZSTD_WHOLE);
	for (size_t length = ZSTD_HEADER_MAX; length < m.length; length++)
		cr_assert_eq(walk(m.bytes, length, 4096).ending, ZSTD_SIZED, "at %zu", length);
}

Test(zstd_walk, skippable_frames_are_walked_over)
{
	static struct made m;
	fill_plain();
	add_frame(&m, FLUSHED, 1, 0);
	add_skippable(&m, 100);
	add_frame(&m, FLUSHED, 1, 0);
	cr_assert_eq(walk(m.bytes, m.length, 30).ending, ZSTD_WHOLE);
	struct zstd_walk w = walk(m.bytes, m.frames[2] - 1, 30);
	cr_assert_eq(w.ending, ZSTD_SIZED);
	cr_assert_eq(w.whole, m.frames[1]);
}

Test(zstd_walk, what_is_no_frame_is_told_with_its_place)
{
	static struct made m;
	fill_plain();
	add_frame(&m, FLUSHED, 1, 0);
	memcpy(m.bytes + m.length, "more", 4);
	struct zstd_walk w = walk(m.bytes, m.length + 4, 4096);
	cr_assert_eq(w.ending, ZSTD_DAMAGED);
	cr_assert_eq(w.at, m.length);
}

Test(zstd_walk, block_that_cannot_be_is_told)
{
	static struct made m;
	fill_plain();
	add_frame(&m, FLUSHED, 1, 0);
	struct zstd_walk header = walk(m.bytes, 8, 4096);
	cr_assert(header.within);
	m.bytes[header.at] |= 6; /* the reserved type */
	cr_assert_eq(walk(m.bytes, m.length, 4096).ending, ZSTD_DAMAGED);
	cr_assert_eq(walk(m.bytes, m.length, 4096).at, header.at);
}
