#include "stages/source/http_body.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { MAX_BODY = 1 << 20, PLAIN = 300000 };

static struct body_room room;
static struct http_decoders decoders;

static void set_up(void)
{
	cr_assert_eq(body_room_init(&room, 2 * http_body_blocks(MAX_BODY)), 0);
}

static void tear_down(void)
{
	http_decoders_release(&decoders);
	body_room_release(&room);
}

TestSuite(http_body, .init = set_up, .fini = tear_down);

struct bytes {
	uint8_t *at;
	size_t length;
};

static struct bytes plain_text(size_t length)
{
	struct bytes b = {malloc(length), length};
	cr_assert(b.at);
	for (size_t i = 0; i < length; i++)
		b.at[i] = i % 71 == 70 ? '\n' : (uint8_t)('a' + i * 31 % 26);
	return b;
}

/* wrapping: of deflateInit2's window bits. */
static struct bytes deflated(const struct bytes *plain, int wrapping)
{
	z_stream s = {0};
	struct bytes b = {malloc(plain->length + 4096), 0};
	cr_assert(b.at);
	cr_assert_eq(deflateInit2(&s, 6, Z_DEFLATED, 15 + wrapping, 8, Z_DEFAULT_STRATEGY), Z_OK);
	s.next_in = plain->at;
	s.avail_in = (uInt)plain->length;
	s.next_out = b.at;
	s.avail_out = (uInt)plain->length + 4096;
	cr_assert_eq(deflate(&s, Z_FINISH), Z_STREAM_END);
	b.length = s.total_out;
	deflateEnd(&s);
	return b;
}

static struct bytes with_zstd(const struct bytes *plain)
{
	struct bytes b = {malloc(ZSTD_compressBound(plain->length)), 0};
	cr_assert(b.at);
	b.length =
	    ZSTD_compress(b.at, ZSTD_compressBound(plain->length), plain->at, plain->length, 3);
	cr_assert_not(ZSTD_isError(b.length));
	return b;
}

static struct bytes encoded(const struct bytes *plain, enum http_coding coding)
{
	if (coding == HTTP_ZSTD)
		return with_zstd(plain);
	if (coding != HTTP_IDENTITY)
		return deflated(plain, coding == HTTP_GZIP ? 16 : 0);
	struct bytes copy = {malloc(plain->length + 1), plain->length};
	cr_assert(copy.at);
	memcpy(copy.at, plain->at, plain->length);
	return copy;
}

static void begin(struct http_body *b, enum http_coding coding, bool is_json)
{
	cr_assert_eq(http_body_begin(b, &room, &decoders, coding, is_json, MAX_BODY, UINT64_MAX),
		     0);
}

/* In pieces, each step with that budget. */
static enum http_fed feed(struct http_body *b, const struct bytes *from, size_t piece,
			  uint64_t budget)
{
	for (size_t at = 0, taken; at < from->length; at += taken) {
		size_t n = from->length - at < piece ? from->length - at : piece;
		uint64_t left = budget;
		enum http_fed r = http_body_take(b, from->at + at, n, &left, &taken);
		if (r == HTTP_FED_REFUSED)
			return r;
		cr_assert(r == HTTP_FED ? taken == n : left == 0, "there are blocks");
	}
	for (;;) {
		uint64_t left = budget;
		enum http_fed r = http_body_finish(b, &left);
		if (r != HTTP_FED_WAITS)
			return r;
		cr_assert_eq(left, 0);
	}
}

static void expect_content(struct http_body *b, const uint8_t *bytes, size_t length)
{
	size_t at = 0;
	cr_expect_eq(b->body.length, length);
	for (; b->body.first; body_pop(&room, &b->body)) {
		const struct body_block *block = b->body.first;
		cr_assert_leq(block->length, length - at);
		cr_assert_eq(memcmp(block->bytes, bytes + at, block->length), 0);
		at += block->length;
	}
	cr_expect_eq(at, length);
}

Test(http_body, lines_come_out_as_they_were_whatever_they_were_wrapped_in)
{
	static const size_t pieces[] = {1000, 4096, 70000, 1000000};
	struct bytes plain = plain_text(PLAIN);
	for (enum http_coding coding = 0; coding < HTTP_CODINGS; coding++) {
		struct bytes sent = encoded(&plain, coding);
		for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
			struct http_body b;
			begin(&b, coding, false);
			cr_assert_eq(feed(&b, &sent, pieces[i], 50000), HTTP_FED, "%s", b.why);
			expect_content(&b, plain.at, plain.length);
			http_body_drop(&b);
		}
		free(sent.at);
	}
	free(plain.at);
	cr_expect_eq(room.free_count, room.count);
}

Test(http_body, json_comes_out_as_lines_whatever_it_was_wrapped_in)
{
	char json[] = "[{\"a\":\n1},{\"b\":2},\n\n3]";
	char lines[] = "{\"a\":1}\n{\"b\":2}\n3\n";
	struct bytes plain = {(uint8_t *)json, sizeof json - 1};
	for (enum http_coding coding = 0; coding < HTTP_CODINGS; coding++) {
		struct bytes sent = encoded(&plain, coding);
		for (size_t piece = 1; piece <= sent.length; piece++) {
			struct http_body b;
			begin(&b, coding, true);
			cr_assert_eq(feed(&b, &sent, piece, 100), HTTP_FED, "%s", b.why);
			expect_content(&b, (uint8_t *)lines, sizeof lines - 1);
			cr_expect_eq(b.json.lines, 3);
			http_body_drop(&b);
		}
		free(sent.at);
	}
}

static void expect_refused(enum http_coding coding, bool is_json, const struct bytes *sent,
			   unsigned status, const char *why)
{
	struct http_body b;
	begin(&b, coding, is_json);
	cr_expect_eq(feed(&b, sent, 5000, 1 << 20), HTTP_FED_REFUSED, "%s", why);
	cr_expect_eq(b.status, status);
	cr_expect(strstr(b.why, why), "%s, not %s", b.why, why);
	http_body_drop(&b);
	cr_expect_eq(room.free_count, room.count);
}

Test(http_body, more_than_max_body_is_refused_as_it_comes_out)
{
	struct bytes plain = plain_text(MAX_BODY + 1);
	for (enum http_coding coding = 0; coding < HTTP_CODINGS; coding++) {
		struct bytes sent = encoded(&plain, coding);
		expect_refused(coding, false, &sent, 413, "larger than max_body, 1048576 bytes");
		free(sent.at);
	}
	memset(plain.at, ' ', plain.length);
	expect_refused(HTTP_IDENTITY, true, &plain, 413, "larger than max_body");
	free(plain.at);
}

Test(http_body, as_much_as_max_body_is_taken)
{
	struct bytes plain = plain_text(MAX_BODY);
	for (enum http_coding coding = 0; coding < HTTP_CODINGS; coding++) {
		struct bytes sent = encoded(&plain, coding);
		struct http_body b;
		begin(&b, coding, false);
		cr_expect_eq(feed(&b, &sent, 5000, 1 << 20), HTTP_FED, "%s", b.why);
		cr_expect_eq(b.body.length, MAX_BODY);
		http_body_drop(&b);
		free(sent.at);
	}
	free(plain.at);
}

Test(http_body, values_that_take_more_as_lines_still_fit)
{
	struct bytes plain = {malloc(MAX_BODY), MAX_BODY};
	struct http_body b;
	cr_assert(plain.at);
	memset(plain.at, '"', plain.length);
	begin(&b, HTTP_IDENTITY, true);
	cr_expect_eq(feed(&b, &plain, 5000, 1 << 20), HTTP_FED, "%s", b.why);
	cr_expect_eq(b.body.length, MAX_BODY / 2 * 3);
	http_body_drop(&b);
	free(plain.at);
}

Test(http_body, what_decompresses_without_end_is_refused)
{
	struct bytes zeros = {calloc(1, 64 << 20), 64 << 20};
	cr_assert(zeros.at);
	struct bytes sent = with_zstd(&zeros);
	struct http_body b;
	cr_assert_eq(http_body_begin(&b, &room, &decoders, HTTP_ZSTD, false, MAX_BODY, sent.length),
		     0);
	b.max_body = UINT64_MAX; /* so that the ratio alone is in the way */
	b.body.blocks_most = room.count;
	cr_expect_eq(feed(&b, &sent, 5000, UINT64_MAX), HTTP_FED_REFUSED);
	cr_expect_eq(b.status, 413);
	cr_expect(strstr(b.why, "more than 1000 times"), "%s", b.why);
	cr_expect_lt(b.decoded, 10 << 20);
	http_body_drop(&b);
	free(sent.at);
	free(zeros.at);
}

Test(http_body, damage_and_an_early_end_are_refused)
{
	static const char *const names[] = {"", "damaged gzip", "damaged deflate", "damaged zstd"};
	struct bytes plain = plain_text(5000);
	for (enum http_coding coding = HTTP_GZIP; coding < HTTP_CODINGS; coding++) {
		struct bytes sent = encoded(&plain, coding);
		struct bytes cut = {sent.at, sent.length - 1};
		expect_refused(coding, false, &cut, 400, "ends in the middle");
		sent.at[0] ^= 0xff;
		expect_refused(coding, false, &sent, 400, names[coding]);
		free(sent.at);
	}
	expect_refused(HTTP_GZIP, false, &plain, 400, "damaged gzip at byte");
	expect_refused(HTTP_IDENTITY, true, &plain, 400, "not JSON at byte 0");
	free(plain.at);
}

Test(http_body, an_empty_one_is_whole)
{
	struct bytes none = {NULL, 0};
	for (enum http_coding coding = 0; coding < HTTP_CODINGS; coding++)
		for (int json = 0; json < 2; json++) {
			struct http_body b;
			cr_assert_eq(
			    http_body_begin(&b, &room, &decoders, coding, json, MAX_BODY, 0), 0);
			cr_expect_eq(feed(&b, &none, 1, 1), HTTP_FED);
			cr_expect_eq(b.body.length, 0);
			http_body_drop(&b);
		}
}

Test(http_body, only_so_many_are_decompressed_at_a_time)
{
	struct http_body b[HTTP_DECODERS], more;
	for (size_t i = 0; i < HTTP_DECODERS; i++)
		begin(&b[i], HTTP_GZIP, false);
	cr_expect_eq(http_body_begin(&more, &room, &decoders, HTTP_GZIP, false, MAX_BODY, 10),
		     -EAGAIN);
	begin(&more, HTTP_ZSTD, false);
	http_body_drop(&more);
	http_body_drop(&b[1]);
	begin(&more, HTTP_GZIP, false);
	http_body_drop(&more);
	for (size_t i = 0; i < HTTP_DECODERS; i++)
		if (i != 1)
			http_body_drop(&b[i]);
}

Test(http_body, without_a_block_it_waits_and_loses_nothing)
{
	struct bytes plain = plain_text(PLAIN);
	for (enum http_coding coding = 0; coding < HTTP_CODINGS; coding++) {
		struct bytes sent = encoded(&plain, coding);
		struct http_body oldest, b;
		size_t taken = 0, at = 0;
		uint64_t budget = UINT64_MAX;
		begin(&oldest, HTTP_IDENTITY, false);
		size_t kept = room.free_count - oldest.body.blocks_most;
		room.free_count -= kept - 2; /* somebody has them */
		begin(&b, coding, false);
		while (at < sent.length && http_body_take(&b, sent.at + at, sent.length - at,
							  &budget, &taken) == HTTP_FED)
			at += taken;
		at += taken;
		cr_expect_eq(b.body.blocks, 2);
		cr_expect_eq(http_body_finish(&b, &budget),
			     coding == HTTP_IDENTITY ? HTTP_FED : HTTP_FED_WAITS);
		room.free_count += kept - 2;
		if (coding != HTTP_IDENTITY) {
			struct bytes rest = {sent.at + at, sent.length - at};
			cr_assert_eq(feed(&b, &rest, 5000, UINT64_MAX), HTTP_FED, "%s", b.why);
			expect_content(&b, plain.at, plain.length);
		}
		http_body_drop(&b);
		http_body_drop(&oldest);
		free(sent.at);
	}
	free(plain.at);
}
