#include "stages/json/json_text.h"

#include "stages/json/json_escape.h"
#include "stages/json/json_utf8.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

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

static const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
	while (end - p >= 8 && !special8(p))
		p += 8;
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
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

struct writer {
	uint8_t *at, *end;
};

static int put(struct writer *w, const uint8_t *bytes, size_t length)
{
	if (length > (size_t)(w->end - w->at))
		return -ENOBUFS;
	if (length)
		memcpy(w->at, bytes, length);
	w->at += length;
	return 0;
}

int64_t json_encode_string(uint8_t *to, size_t room, const uint8_t *bytes, size_t length)
{
	static const uint8_t quote = '"';
	struct writer w = {to, to + room};
	const uint8_t *end = bytes + length;
	int r = put(&w, &quote, 1);
	while (r == 0 && bytes < end) {
		const uint8_t *special = skip_plain(bytes, end);
		r = put(&w, bytes, (size_t)(special - bytes));
		bytes = special;
		if (r < 0 || bytes == end)
			break;
		uint8_t escaped[ESCAPED_MAX];
		size_t n;
		bytes += encode_character(bytes, (size_t)(end - bytes), escaped, &n);
		r = put(&w, escaped, n);
	}
	if (r == 0)
		r = put(&w, &quote, 1);
	return r < 0 ? r : w.at - to;
}
