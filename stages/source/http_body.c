#include "stages/source/http_body.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	STATUS_BAD = 400,
	STATUS_LARGE = 413,
	PIECE = 8 * 1024, /* decompressed at a time, of what is made into lines then */
};

/* ---- decoders ---- */

size_t http_decoders_memory(void)
{
	return sizeof(struct http_decoders) +
	       HTTP_DECODERS * (2 * gzip_reader_memory() + zstd_reader_memory());
}

static struct decoder *decoder_of(struct http_decoders *d, enum http_coding coding, unsigned i)
{
	return coding == HTTP_GZIP      ? &d->gzip[i].decoder
	       : coding == HTTP_DEFLATE ? &d->deflate[i].decoder
					: &d->zstd[i].decoder;
}

static int make_decoder(struct http_decoders *d, enum http_coding coding, unsigned i)
{
	return coding == HTTP_GZIP      ? gzip_reader_init(&d->gzip[i])
	       : coding == HTTP_DEFLATE ? gzip_reader_init_zlib(&d->deflate[i])
					: zstd_reader_init(&d->zstd[i]);
}

/* 0, -EAGAIN, or -ENOMEM. */
static int take_decoder(struct http_body *b)
{
	struct http_decoders *d = b->decoders;
	unsigned i = 0;
	while (i < HTTP_DECODERS && d->used[b->coding][i])
		i++;
	if (i == HTTP_DECODERS)
		return -EAGAIN;
	struct decoder *decoder = decoder_of(d, b->coding, i);
	if (!decoder->type && make_decoder(d, b->coding, i) < 0)
		return -ENOMEM;
	decoder_start(decoder, 0);
	d->used[b->coding][i] = b->holds_decoder = true;
	b->decoder = i;
	return 0;
}

static void give_decoder_back(struct http_body *b)
{
	if (b->holds_decoder)
		b->decoders->used[b->coding][b->decoder] = false;
	b->holds_decoder = false;
}

void http_decoders_release(struct http_decoders *d)
{
	for (unsigned i = 0; i < HTTP_DECODERS; i++) {
		gzip_reader_release(&d->gzip[i]);
		gzip_reader_release(&d->deflate[i]);
		zstd_reader_release(&d->zstd[i]);
	}
}

/* ---- a body ---- */

/* JSON's values may stand one behind the other, `""""`, and get a newline each. */
static uint64_t most_bytes(bool is_json, uint64_t decoded)
{
	return is_json ? decoded + decoded / 2 + 1 : decoded;
}

size_t http_body_blocks(uint64_t max_body)
{
	return body_room_blocks(most_bytes(true, max_body));
}

int http_body_begin(struct http_body *b, struct body_room *room, struct http_decoders *decoders,
		    enum http_coding coding, bool is_json, uint64_t max_body, uint64_t length)
{
	*b = (struct http_body){.room = room,
				.decoders = decoders,
				.coding = coding,
				.is_json = is_json,
				.max_body = max_body};
	json_lines_init(&b->json);
	int r = coding == HTTP_IDENTITY ? 0 : take_decoder(b);
	if (r < 0)
		return r;
	uint64_t most = coding == HTTP_IDENTITY && length < max_body ? length : max_body;
	body_begin(room, &b->body, most_bytes(is_json, most));
	return 0;
}

void http_body_drop(struct http_body *b)
{
	give_decoder_back(b);
	body_drop(b->room, &b->body);
}

static enum http_fed __attribute__((format(printf, 3, 4)))
refuse(struct http_body *b, unsigned status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(b->why, sizeof b->why, format, args);
	va_end(args);
	b->status = status;
	return HTTP_FED_REFUSED;
}

static enum http_fed refuse_json(struct http_body *b)
{
	return refuse(b, STATUS_BAD, "not JSON at byte %" PRIu64 ": %s", b->json.offset,
		      b->json.why);
}

/* So many more came out. */
static enum http_fed note_decoded(struct http_body *b, size_t n, uint64_t *budget)
{
	b->decoded += n;
	*budget -= n < *budget ? n : *budget;
	if (b->decoded > b->max_body)
		return refuse(b, STATUS_LARGE,
			      "the body is larger than max_body, %" PRIu64 " bytes", b->max_body);
	bool counts = b->coding != HTTP_IDENTITY && b->decoded > HTTP_BODY_RATIO_FROM;
	if (counts && b->decoded / HTTP_BODY_RATIO > b->encoded)
		return refuse(b, STATUS_LARGE,
			      "the body decompresses to more than %d times what was sent",
			      HTTP_BODY_RATIO);
	return HTTP_FED;
}

/* ---- as it is ---- */

static enum http_fed copy_plain(struct http_body *b, const uint8_t *bytes, size_t length,
				uint64_t *budget, size_t *ret_taken)
{
	if (length > b->max_body - b->decoded)
		return note_decoded(b, length, budget);
	while (*ret_taken < length) {
		size_t room, n = length - *ret_taken;
		uint8_t *to = body_space(b->room, &b->body, 1, &room);
		if (!to || *budget == 0)
			return HTTP_FED_WAITS;
		n = n < room ? n : room;
		memcpy(to, bytes + *ret_taken, n);
		body_add(&b->body, n);
		*ret_taken += n;
		note_decoded(b, n, budget);
	}
	return HTTP_FED;
}

static enum http_fed copy_json(struct http_body *b, const uint8_t *bytes, size_t length,
			       uint64_t *budget, size_t *ret_taken)
{
	while (*ret_taken < length) {
		size_t room, made;
		uint8_t *to = body_space(b->room, &b->body, JSON_LINES_ROOM, &room);
		if (!to || *budget == 0)
			return HTTP_FED_WAITS;
		ptrdiff_t n = json_lines_take(&b->json, bytes + *ret_taken, length - *ret_taken, to,
					      room, &made);
		if (n < 0)
			return refuse_json(b);
		body_add(&b->body, made);
		*ret_taken += (size_t)n;
		if (note_decoded(b, (size_t)n, budget) != HTTP_FED)
			return HTTP_FED_REFUSED;
	}
	return HTTP_FED;
}

/* ---- decompressed ---- */

static enum http_fed refuse_damage(struct http_body *b, const struct decoder *d)
{
	static const char *const names[] = {"", "gzip", "deflate", "zstd"};
	return refuse(b, STATUS_BAD, "damaged %s at byte %" PRIu64 ": %s", names[b->coding], d->at,
		      d->why);
}

/* One piece. *ret_made: how much came out; 0: it needs more. */
static enum http_fed decode_lines(struct http_body *b, struct decoder *d, uint8_t *to, size_t room,
				  uint64_t *budget, size_t *ret_made)
{
	ssize_t n = decoder_read(d, to, room);
	if (n < 0)
		return refuse_damage(b, d);
	body_add(&b->body, (size_t)n);
	*ret_made = (size_t)n;
	return note_decoded(b, (size_t)n, budget);
}

/* What comes out of a piece that is half as long as the room fits there, so nothing decompressed is left over. */
static enum http_fed decode_json(struct http_body *b, struct decoder *d, uint8_t *to, size_t room,
				 uint64_t *budget, size_t *ret_made)
{
	uint8_t piece[PIECE];
	size_t most = room / 2 - 1, made;
	ssize_t n = decoder_read(d, piece, most < PIECE ? most : PIECE);
	if (n < 0)
		return refuse_damage(b, d);
	ptrdiff_t taken = json_lines_take(&b->json, piece, (size_t)n, to, room, &made);
	if (taken < 0)
		return refuse_json(b);
	assert(taken == n);
	body_add(&b->body, made);
	*ret_made = (size_t)n;
	return note_decoded(b, (size_t)n, budget);
}

/* Until the decoder has no more to give. */
static enum http_fed drain(struct http_body *b, struct decoder *d, uint64_t *budget)
{
	size_t room, made = 0;
	do {
		uint8_t *to = body_space(b->room, &b->body, BODY_LEAST_MAX, &room);
		if (!to || *budget == 0)
			return HTTP_FED_WAITS;
		uint64_t most = *budget > BODY_LEAST_MAX ? *budget : BODY_LEAST_MAX;
		room = room < most ? room : (size_t)most;
		enum http_fed r =
		    (b->is_json ? decode_json : decode_lines)(b, d, to, room, budget, &made);
		if (r != HTTP_FED)
			return r;
	} while (made > 0 || d->frame_ended);
	return HTTP_FED;
}

static enum http_fed decode(struct http_body *b, const uint8_t *bytes, size_t length,
			    uint64_t *budget, size_t *ret_taken)
{
	struct decoder *d = decoder_of(b->decoders, b->coding, b->decoder);
	for (;;) {
		enum http_fed r = drain(b, d, budget);
		if (r != HTTP_FED || *ret_taken == length)
			return r;
		uint8_t *to;
		size_t room = decoder_room(d, &to), n = length - *ret_taken;
		n = n < room ? n : room;
		memcpy(to, bytes + *ret_taken, n);
		decoder_add(d, n);
		b->encoded += n;
		*ret_taken += n;
	}
}

enum http_fed http_body_take(struct http_body *b, const uint8_t *bytes, size_t length,
			     uint64_t *budget, size_t *ret_taken)
{
	assert(b->status == 0);
	*ret_taken = 0;
	return (b->coding != HTTP_IDENTITY ? decode
		: b->is_json               ? copy_json
					   : copy_plain)(b, bytes, length, budget, ret_taken);
}

static enum http_fed end_json(struct http_body *b)
{
	size_t room, made;
	uint8_t *to = body_space(b->room, &b->body, JSON_LINES_ROOM, &room);
	if (!to)
		return HTTP_FED_WAITS;
	if (json_lines_end(&b->json, to, &made) < 0)
		return refuse_json(b);
	body_add(&b->body, made);
	return HTTP_FED;
}

enum http_fed http_body_finish(struct http_body *b, uint64_t *budget)
{
	size_t none;
	enum http_fed r = HTTP_FED;
	if (b->coding != HTTP_IDENTITY) {
		struct decoder *d = decoder_of(b->decoders, b->coding, b->decoder);
		r = http_body_take(b, NULL, 0, budget, &none);
		if (r == HTTP_FED && d->in_frame)
			return refuse(b, STATUS_BAD, "what is compressed ends in the middle");
	}
	if (r == HTTP_FED && b->is_json)
		r = end_json(b);
	if (r != HTTP_FED)
		return r;
	give_decoder_back(b);
	body_end(&b->body);
	return HTTP_FED;
}
