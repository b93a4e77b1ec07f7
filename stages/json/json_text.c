#include "stages/json/json_text.h"

#include "stages/json/json_escape.h"
#include "stages/json/json_utf8.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

int json_decode_string(struct value *v, struct scratch *s)
{
	assert(v->form == VALUE_ESCAPED);
	uint8_t *text = scratch_take(s, v->length), *to = text;
	if (!text)
		return -ENOBUFS;
	const uint8_t *from = v->bytes, *end = from + v->length;
	while (from < end) {
		const uint8_t *backslash = memchr(from, '\\', (size_t)(end - from));
		const size_t plain = (size_t)((backslash ? backslash : end) - from);
		memcpy(to, from, plain);
		to += plain;
		from += plain;
		if (!backslash)
			break;
		struct json_escape e = json_escape(from, (size_t)(end - from));
		assert(e.length > 0);
		to += utf8_put(to, e.point);
		from += e.length;
	}
	s->at = to;
	*v = (struct value){.bytes = text, .length = (uint32_t)(to - text), .type = VALUE_STRING};
	return 0;
}

/* Could any of the eight bytes be something else than itself in a JSON string? All that could are found; what is beside one
 * may be taken for one too. */
static uint64_t special8(const uint8_t *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
	const uint64_t quote = word ^ EVERY('"'), backslash = word ^ EVERY('\\');
	const uint64_t below =
	    (word - EVERY(0x20)) | (quote - EVERY(1)) | (backslash - EVERY(1)) | word;
	return below & EVERY(0x80);
}

#ifdef __SSE2__
enum { STEP = 16 };

/* Copies a step. False: something in it may be special. */
static bool copy_step(uint8_t *to, const uint8_t *from)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
	const __m128i quotes = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	const __m128i backslashes = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	/* as signed bytes those from 0x80 on are below, too */
	const __m128i below = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
	_mm_storeu_si128((__m128i *)(void *)to, v);
	return _mm_movemask_epi8(_mm_or_si128(below, _mm_or_si128(quotes, backslashes))) == 0;
}
#else
enum { STEP = 8 };

static bool copy_step(uint8_t *to, const uint8_t *from)
{
	memcpy(to, from, STEP);
	return !special8(from);
}
#endif

static bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* Copies what stands for itself, from the front; there is room for all of it. Returns how many bytes that is. */
static size_t copy_plain(uint8_t *to, const uint8_t *from, size_t length)
{
	size_t at = 0;
	while (length - at >= STEP && copy_step(to + at, from + at))
		at += STEP;
	/* the rest, and some of what has been copied again */
	if (at > 0 && length - at < STEP && copy_step(to + length - STEP, from + length - STEP))
		return length;
	if (length - at >= 8 && !special8(from + at)) {
		memcpy(to + at, from + at, 8);
		at += 8;
	}
	for (; at < length && is_plain(from[at]); at++)
		to[at] = from[at];
	return at;
}

enum { ESCAPED_MAX = 6 };

static size_t escape_control(uint8_t byte, uint8_t *to)
{
	static const char letters[] = "btn\vfr"; /* 8 to 13; 11 has none */
	to[0] = '\\';
	if (byte >= '\b' && byte <= '\r' && byte != '\v') {
		to[1] = (uint8_t)letters[byte - '\b'];
		return 2;
	}
	to[1] = 'u';
	to[2] = to[3] = '0';
	to[4] = (uint8_t)('0' + (byte >> 4));
	to[5] = (uint8_t) "0123456789abcdef"[byte & 15];
	return ESCAPED_MAX;
}

/* The character at p, which is not a plain one, as it is written. Returns how many bytes of p it is. */
static size_t encode_character(const uint8_t *p, size_t room, uint8_t *to, size_t *ret_length)
{
	if (*p == '"' || *p == '\\') {
		to[0] = '\\';
		to[1] = *p;
		*ret_length = 2;
		return 1;
	}
	if (*p < 0x20) {
		*ret_length = escape_control(*p, to);
		return 1;
	}
	struct utf8_character c = utf8_character(p, room);
	if (c.valid)
		memcpy(to, p, c.length);
	*ret_length = c.valid ? c.length : utf8_put(to, 0xfffd);
	return c.length;
}

/* Character by character, and whatever stands for itself between them at once. */
static int64_t encode(uint8_t *to, const uint8_t *room_end, const uint8_t *bytes, size_t length)
{
	uint8_t *at = to;
	const uint8_t *end = bytes + length;
	while (bytes < end) {
		const size_t left = (size_t)(end - bytes), room = (size_t)(room_end - at);
		const size_t plain = copy_plain(at, bytes, left < room ? left : room);
		uint8_t escaped[ESCAPED_MAX];
		size_t n;
		at += plain;
		bytes += plain;
		if (bytes == end)
			break;
		bytes += encode_character(bytes, (size_t)(end - bytes), escaped, &n);
		if (n > (size_t)(room_end - at))
			return -ENOBUFS;
		at = mempcpy(at, escaped, n);
	}
	return at - to;
}

int64_t json_encode_string(uint8_t *to, size_t room, const uint8_t *bytes, size_t length)
{
	if (room < 2)
		return -ENOBUFS;
	int64_t n = encode(to + 1, to + room - 1, bytes, length);
	if (n < 0)
		return n;
	to[0] = to[n + 1] = '"';
	return n + 2;
}
