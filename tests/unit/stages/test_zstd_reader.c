#include "stages/codec/zstd_reader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

struct bytes {
	uint8_t *at;
	size_t length;
};

static struct bytes text_of(size_t length)
{
	struct bytes b = {malloc(length + 1), length};
	for (size_t i = 0; i < length; i++)
		b.at[i] = (uint8_t)((size_t) "sluice reads zstd\n"[i % 18] + (i / 4096) % 7);
	return b;
}

static void append(struct bytes *to, const void *at, size_t length)
{
	to->at = realloc(to->at, to->length + length + 1);
	memcpy(to->at + to->length, at, length);
	to->length += length;
}

static void append_frame(struct bytes *to, const uint8_t *plain, size_t length, int window_log,
			 bool checksum)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum);
	if (window_log)
		ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
	size_t room = ZSTD_compressBound(length) + 64;
	uint8_t *out = malloc(room);
	ZSTD_inBuffer in = {plain, length, 0};
	ZSTD_outBuffer to_here = {out, room, 0};
	/* flushed first, so that the frame does not know its own size and keeps its window */
	while (ZSTD_compressStream2(c, &to_here, &in, ZSTD_e_flush) != 0)
		;
	while (ZSTD_compressStream2(c, &to_here, &in, ZSTD_e_end) != 0)
		;
	append(to, out, to_here.pos);
	free(out);
	ZSTD_freeCCtx(c);
}

static void append_skippable(struct bytes *to, uint32_t length)
{
	uint8_t head[8] = {0x50, 0x2A, 0x4D, 0x18, (uint8_t)length, (uint8_t)(length >> 8)};
	append(to, head, sizeof head);
	uint8_t *zeros = calloc(1, length + 1);
	append(to, zeros, length);
	free(zeros);
}

struct outcome {
	struct bytes plain;
	ssize_t result; /* 0 or -EBADMSG */
	size_t frames_ended;
};

/* Every buffer handed to the reader is exactly as large as it is told, so that a sanitizer sees one byte too many. */
static struct outcome read_all(struct zstd_reader *r, const struct bytes *packed, size_t piece,
			       size_t room)
{
	struct outcome o = {.plain = {malloc(1), 0}};
	uint8_t *out = malloc(room);
	size_t fed = 0;
	for (;;) {
		ssize_t n = decoder_read(&r->decoder, out, room);
		o.frames_ended += r->decoder.frame_ended;
		if (n < 0) {
			o.result = n;
			break;
		}
		cr_assert_leq(r->decoder.at, fed);
		append(&o.plain, out, (size_t)n);
		if (n > 0 || r->decoder.frame_ended)
			continue;
		if (fed == packed->length)
			break;
		uint8_t *to;
		size_t space = decoder_room(&r->decoder, &to);
		cr_assert_eq(decoder_wants(&r->decoder), fed);
		space = space < piece ? space : piece;
		space = space < packed->length - fed ? space : packed->length - fed;
		memcpy(to, packed->at + fed, space);
		decoder_add(&r->decoder, space);
		fed += space;
	}
	free(out);
	return o;
}

Test(zstd_reader, frames_one_behind_the_other_and_skippable_ones_come_out_as_one_stream)
{
	struct bytes plain = text_of(700000), packed = {malloc(1), 0};
	append_frame(&packed, plain.at, 300000, 0, true);
	append_skippable(&packed, 1000);
	append_frame(&packed, plain.at, 0, 0, false);
	append_frame(&packed, plain.at + 300000, 400000, 0, false);
	static const size_t pieces[] = {1, 7, 1000, 1 << 20}, rooms[] = {1000, 1 << 18, 1 << 20};
	struct zstd_reader r;
	cr_assert_eq(zstd_reader_init(&r), 0);
	for (size_t p = 0; p < 4; p++) {
		for (size_t m = 0; m < 3; m++) {
			decoder_start(&r.decoder, 0);
			struct outcome o = read_all(&r, &packed, pieces[p], rooms[m]);
			cr_expect_eq(o.result, 0);
			cr_assert_eq(o.plain.length, plain.length);
			cr_expect_eq(memcmp(o.plain.at, plain.at, plain.length), 0);
			cr_expect_eq(o.frames_ended, 4);
			cr_expect_eq(r.decoder.at, packed.length);
			cr_expect_not(r.decoder.in_frame);
			free(o.plain.at);
		}
	}
	zstd_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

Test(zstd_reader, stream_that_stops_anywhere_gives_a_prefix_and_knows_that_it_is_in_a_frame)
{
	struct bytes plain = text_of(3000), packed = {malloc(1), 0};
	append_frame(&packed, plain.at, plain.length, 0, true);
	struct zstd_reader r;
	cr_assert_eq(zstd_reader_init(&r), 0);
	for (size_t length = 0; length < packed.length; length++) {
		struct bytes cut = {packed.at, length};
		decoder_start(&r.decoder, 0);
		struct outcome o = read_all(&r, &cut, 64, 500);
		cr_expect_eq(o.result, 0);
		cr_assert_leq(o.plain.length, plain.length);
		cr_expect_eq(memcmp(o.plain.at, plain.at, o.plain.length), 0);
		cr_expect_eq(r.decoder.in_frame, length > 0);
		free(o.plain.at);
	}
	zstd_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

Test(zstd_reader, asking_again_without_input_changes_nothing)
{
	struct bytes plain = text_of(3000), packed = {malloc(1), 0};
	append_frame(&packed, plain.at, plain.length, 0, true);
	struct zstd_reader r;
	cr_assert_eq(zstd_reader_init(&r), 0);
	struct bytes half = {packed.at, packed.length / 2};
	struct outcome o = read_all(&r, &half, 64, 500);
	uint8_t out[16];
	for (int i = 0; i < 100; i++)
		cr_expect_eq(decoder_read(&r.decoder, out, sizeof out), 0);
	free(o.plain.at);
	zstd_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

/* Without a checksum a changed byte may go unseen; with one, what comes out before the error has been checked only
 * by the format itself: so the test is that nothing is over-read, memory stays bounded, and a checksum that does not
 * fit is never passed over. */
static void damage_each_byte(bool checksum)
{
	struct bytes plain = text_of(5000), packed = {malloc(1), 0};
	append_frame(&packed, plain.at, 2500, 0, checksum);
	append_frame(&packed, plain.at + 2500, 2500, 0, checksum);
	struct zstd_reader r;
	cr_assert_eq(zstd_reader_init(&r), 0);
	for (size_t i = 0; i < packed.length; i++) {
		for (int bit = 0; bit < 8; bit++) {
			struct bytes bad = {malloc(packed.length), packed.length};
			memcpy(bad.at, packed.at, packed.length);
			bad.at[i] ^= (uint8_t)(1 << bit);
			decoder_start(&r.decoder, 0);
			struct outcome o = read_all(&r, &bad, 1 + i % 50, 700);
			bool whole = o.result == 0 && !r.decoder.in_frame;
			bool same = o.plain.length == plain.length &&
				    memcmp(o.plain.at, plain.at, plain.length) == 0;
			if (checksum && i > 5 && i + 4 < packed.length / 2 && whole)
				cr_expect(same, "byte %zu bit %d", i, bit);
			if (o.result < 0) {
				cr_expect(r.decoder.why[0] != '\0');
				cr_expect_eq(decoder_read(&r.decoder, bad.at, 1), -EBADMSG);
			}
			free(o.plain.at);
			free(bad.at);
		}
	}
	zstd_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

Test(zstd_reader, damaged_byte_is_an_error_or_harmless_when_there_is_a_checksum)
{
	damage_each_byte(true);
}

Test(zstd_reader, damaged_byte_without_a_checksum_reads_nothing_it_should_not)
{
	damage_each_byte(false);
}

Test(zstd_reader, blocks_before_a_damaged_one_come_out)
{
	static uint8_t packed[1 << 16], out[1 << 16];
	struct bytes plain = text_of(40000);
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_inBuffer in = {plain.at, 30000, 0};
	ZSTD_outBuffer to = {packed, sizeof packed, 0};
	cr_assert_eq(ZSTD_compressStream2(c, &to, &in, ZSTD_e_flush), 0);
	size_t damage_at = to.pos;
	in.size = plain.length;
	cr_assert_eq(ZSTD_compressStream2(c, &to, &in, ZSTD_e_end), 0);
	ZSTD_freeCCtx(c);
	packed[damage_at] |= 6; /* the reserved type of block */

	struct zstd_reader r;
	cr_assert_eq(zstd_reader_init(&r), 0);
	uint8_t *room;
	cr_assert_geq(decoder_room(&r.decoder, &room), to.pos);
	memcpy(room, packed, to.pos);
	decoder_add(&r.decoder, to.pos);
	cr_expect_eq(decoder_read(&r.decoder, out, sizeof out), 30000);
	cr_expect_eq(memcmp(out, plain.at, 30000), 0);
	cr_expect_eq(decoder_read(&r.decoder, out, sizeof out), -EBADMSG);
	cr_expect_geq(r.decoder.at, damage_at);
	cr_expect_lt(r.decoder.at, damage_at + 3);
	zstd_reader_release(&r);
	free(plain.at);
}

Test(zstd_reader, window_that_is_too_large_is_refused_by_its_size)
{
	struct bytes plain = text_of(1000), packed = {malloc(1), 0};
	append_frame(&packed, plain.at, plain.length, 24, false);
	struct zstd_reader r;
	cr_assert_eq(zstd_reader_init(&r), 0);
	for (size_t piece = 1; piece < 30; piece++) {
		decoder_start(&r.decoder, 0);
		struct outcome o = read_all(&r, &packed, piece, 500);
		cr_expect_eq(o.result, -EBADMSG);
		cr_expect_str_eq(r.decoder.why,
				 "needs a window of 16384 KiB; at most 8192 KiB are given");
		free(o.plain.at);
	}
	zstd_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

Test(zstd_reader, begins_at_any_frame_of_a_stream)
{
	struct bytes plain = text_of(2000), packed = {malloc(1), 0};
	append_frame(&packed, plain.at, 1000, 0, false);
	size_t second = packed.length;
	append_frame(&packed, plain.at + 1000, 1000, 0, false);
	struct zstd_reader r;
	cr_assert_eq(zstd_reader_init(&r), 0);
	decoder_start(&r.decoder, second);
	cr_expect_eq(decoder_wants(&r.decoder), second);
	uint8_t *to;
	decoder_room(&r.decoder, &to);
	memcpy(to, packed.at + second, packed.length - second);
	decoder_add(&r.decoder, packed.length - second);
	uint8_t out[2000];
	cr_expect_eq(decoder_read(&r.decoder, out, sizeof out), 1000);
	cr_expect_eq(memcmp(out, plain.at + 1000, 1000), 0);
	cr_expect_eq(r.decoder.at, packed.length);
	zstd_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

Test(zstd_reader, recognises_a_frame_by_its_first_bytes_only)
{
	static const uint8_t magic[] = {0x28, 0xB5, 0x2F, 0xFD};
	cr_expect(zstd_reader_recognises(magic, 4));
	cr_expect_not(zstd_reader_recognises(magic, 3));
	cr_expect_not(zstd_reader_recognises((const uint8_t *)"GET ", 4));
}
