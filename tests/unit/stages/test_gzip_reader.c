#include "stages/codec/gzip_reader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct bytes {
	uint8_t *at;
	size_t length;
};

static void append(struct bytes *to, const void *at, size_t length)
{
	to->at = realloc(to->at, to->length + length + 1);
	memcpy(to->at + to->length, at, length);
	to->length += length;
}

static struct bytes text_of(size_t length)
{
	struct bytes b = {malloc(length + 1), length};
	for (size_t i = 0; i < length; i++)
		b.at[i] = (uint8_t)((size_t) "sluice reads gzip\n"[i % 18] + (i / 4096) % 7);
	return b;
}

/* With a name and a comment, as gzip(1) writes the former. */
static void append_member(struct bytes *to, const uint8_t *plain, size_t length)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)plain, .avail_in = (uInt)length};
	gz_header header = {.name = (Bytef *)(uintptr_t) "a.log",
			    .comment = (Bytef *)(uintptr_t) "none",
			    .hcrc = 1};
	cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflateSetHeader(&z, &header), Z_OK);
	size_t room = deflateBound(&z, length) + 64;
	uint8_t *out = malloc(room);
	z.next_out = out;
	z.avail_out = (uInt)room;
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	append(to, out, room - z.avail_out);
	deflateEnd(&z);
	free(out);
}

struct outcome {
	struct bytes plain;
	ssize_t result; /* 0 or -EBADMSG */
	size_t members_ended;
};

/* The buffer is exactly as large as the reader is told, so that a sanitizer sees one byte too many. */
static struct outcome read_all(struct gzip_reader *r, const struct bytes *packed, size_t piece,
			       size_t room)
{
	struct decoder *d = &r->decoder;
	struct outcome o = {.plain = {malloc(1), 0}};
	uint8_t *out = malloc(room);
	size_t fed = 0;
	decoder_start(d, 0);
	for (;;) {
		ssize_t n = decoder_read(d, out, room);
		o.members_ended += d->frame_ended;
		o.result = n < 0 ? n : 0;
		if (n < 0)
			break;
		cr_assert_leq(d->at, fed);
		append(&o.plain, out, (size_t)n);
		if (n > 0 || d->frame_ended)
			continue;
		if (fed == packed->length)
			break;
		uint8_t *to;
		size_t space = decoder_room(d, &to);
		cr_assert_eq(decoder_wants(d), fed);
		space = space < piece ? space : piece;
		space = space < packed->length - fed ? space : packed->length - fed;
		memcpy(to, packed->at + fed, space);
		decoder_add(d, space);
		fed += space;
	}
	free(out);
	return o;
}

Test(gzip_reader, members_one_behind_the_other_empty_ones_and_zeros_come_out_as_one_stream)
{
	static const uint8_t zeros[700];
	struct bytes plain = text_of(40000), packed = {malloc(1), 0};
	append_member(&packed, plain.at, 25000);
	append_member(&packed, plain.at, 0);
	append(&packed, zeros, 3);
	append_member(&packed, plain.at + 25000, 15000);
	append(&packed, zeros, sizeof zeros);
	static const size_t pieces[] = {1, 7, 1000, 1 << 20}, rooms[] = {1, 1000, 1 << 20};
	struct gzip_reader r;
	cr_assert_eq(gzip_reader_init(&r), 0);
	for (size_t p = 0; p < 4; p++) {
		for (size_t m = 0; m < 3; m++) {
			struct outcome o = read_all(&r, &packed, pieces[p], rooms[m]);
			cr_expect_eq(o.result, 0);
			cr_assert_eq(o.plain.length, plain.length);
			cr_expect_eq(memcmp(o.plain.at, plain.at, plain.length), 0);
			cr_expect_eq(o.members_ended, 3);
			cr_expect_eq(r.decoder.at, packed.length);
			cr_expect_not(r.decoder.in_frame);
			free(o.plain.at);
		}
	}
	gzip_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

Test(gzip_reader, stream_that_stops_anywhere_gives_a_prefix_and_knows_that_it_is_in_a_member)
{
	struct bytes plain = text_of(3000), packed = {malloc(1), 0};
	append_member(&packed, plain.at, plain.length);
	struct gzip_reader r;
	cr_assert_eq(gzip_reader_init(&r), 0);
	for (size_t length = 0; length < packed.length; length++) {
		struct bytes cut = {packed.at, length};
		struct outcome o = read_all(&r, &cut, 64, 500);
		cr_expect_eq(o.result, 0);
		cr_assert_leq(o.plain.length, plain.length);
		cr_expect_eq(memcmp(o.plain.at, plain.at, o.plain.length), 0);
		cr_expect_eq(r.decoder.in_frame, length > 0);
		free(o.plain.at);
	}
	gzip_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

/* All but a few bytes of the header (time, system, level) are held against a checksum. */
Test(gzip_reader, damaged_bit_is_an_error_or_changes_nothing)
{
	struct bytes plain = text_of(5000), packed = {malloc(1), 0};
	append_member(&packed, plain.at, 2500);
	append_member(&packed, plain.at + 2500, 2500);
	struct gzip_reader r;
	cr_assert_eq(gzip_reader_init(&r), 0);
	for (size_t i = 0; i < packed.length * 8; i++) {
		packed.at[i / 8] ^= (uint8_t)(1 << i % 8);
		struct outcome o = read_all(&r, &packed, 1 + i % 50, 700);
		bool same = o.plain.length == plain.length &&
			    memcmp(o.plain.at, plain.at, plain.length) == 0;
		cr_expect(o.result < 0 || r.decoder.in_frame || same, "bit %zu", i);
		if (o.result < 0) {
			uint8_t byte;
			cr_expect_neq(r.decoder.why[0], '\0');
			cr_expect_eq(decoder_read(&r.decoder, &byte, 1), -EBADMSG);
		}
		free(o.plain.at);
		packed.at[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	gzip_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

Test(gzip_reader, wrong_checksum_and_length_are_told_behind_what_they_are_of)
{
	struct bytes plain = text_of(2000), packed = {malloc(1), 0};
	append_member(&packed, plain.at, plain.length);
	struct gzip_reader r;
	cr_assert_eq(gzip_reader_init(&r), 0);
	for (size_t back = 1; back <= 8; back++) {
		packed.at[packed.length - back] ^= 1;
		struct outcome o = read_all(&r, &packed, 100, 500);
		cr_expect_eq(o.result, -EBADMSG);
		cr_expect_eq(o.plain.length, plain.length);
		cr_expect_str_eq(r.decoder.why,
				 back <= 4 ? "incorrect length check" : "incorrect data check");
		cr_expect_geq(r.decoder.at, packed.length - 8);
		free(o.plain.at);
		packed.at[packed.length - back] ^= 1;
	}
	gzip_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

Test(gzip_reader, what_is_no_gzip_is_damaged_and_so_are_zeros_alone)
{
	static const uint8_t zeros[40];
	struct bytes text = text_of(100), nothing = {(uint8_t *)(uintptr_t)zeros, sizeof zeros};
	struct gzip_reader r;
	cr_assert_eq(gzip_reader_init(&r), 0);
	for (size_t piece = 1; piece < 4; piece++) {
		struct outcome o = read_all(&r, &text, piece, 50);
		cr_expect_eq(o.result, -EBADMSG);
		free(o.plain.at);
		o = read_all(&r, &nothing, piece, 50);
		cr_expect_eq(o.result, -EBADMSG);
		free(o.plain.at);
	}
	gzip_reader_release(&r);
	free(text.at);
}

Test(gzip_reader, much_from_little_comes_in_pieces_of_the_room_there_is)
{
	struct bytes plain = {calloc(1, 10000000), 10000000}, packed = {malloc(1), 0};
	append_member(&packed, plain.at, plain.length);
	cr_assert_lt(packed.length, 20000);
	struct gzip_reader r;
	cr_assert_eq(gzip_reader_init(&r), 0);
	struct outcome o = read_all(&r, &packed, 1 << 20, 4096);
	cr_expect_eq(o.plain.length, plain.length);
	free(o.plain.at);
	gzip_reader_release(&r);
	free(plain.at);
	free(packed.at);
}

Test(gzip_reader, recognises_a_member_by_its_first_bytes_only)
{
	static const uint8_t magic[] = {0x1f, 0x8b, 8};
	cr_expect(gzip_reader_recognises(magic, 3));
	cr_expect_not(gzip_reader_recognises(magic, 2));
	cr_expect_not(gzip_reader_recognises((const uint8_t *)"GET", 3));
}
