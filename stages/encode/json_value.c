#include "stages/encode/json_value.h"

#include "stages/cel/cel_convert.h"
#include "stages/json/json_text.h"

#include <math.h>

void json_put_string(struct writer *w, const uint8_t *bytes, size_t length)
{
	if (w->is_full)
		return;
	int64_t n = json_encode_string(w->at, (size_t)(w->end - w->at), bytes, length);
	if (n < 0)
		w->is_full = true;
	else
		w->at += n;
}

void json_put_checked(struct writer *w, const uint8_t *text, size_t length)
{
	uint8_t *from = w->at;
	writer_put(w, text, length);
	if (w->is_full || !memchr(from, '\n', length))
		return;
	for (uint8_t *at = from; at < w->at; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
}

static void put_base64(struct writer *w, const uint8_t *bytes, size_t length)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t three = (uint32_t)bytes[i] << 16 |
				 (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				 (left > 2 ? bytes[i + 2] : 0);
		const char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
				      left > 1 ? digits[three >> 6 & 63] : '=',
				      left > 2 ? digits[three & 63] : '='};
		writer_put(w, four, sizeof four);
	}
}

/* Numbers and times: as string() has them. */
static void put_converted(struct writer *w, const struct value *v)
{
	uint8_t room[64];
	struct scratch own = {room, room + sizeof room};
	struct value text = cel_converted(VALUE_STRING, v, &own);
	if (text.type == VALUE_STRING)
		writer_put(w, text.bytes, text.length);
}

static void put_quoted(struct writer *w, const struct value *v)
{
	writer_put_byte(w, '"');
	if (v->type == VALUE_BYTES)
		put_base64(w, v->bytes, v->length);
	else if (v->type == VALUE_STRING)
		writer_put(w, v->bytes, v->length);
	else
		put_converted(w, v);
	writer_put_byte(w, '"');
}

static void put_number(struct writer *w, const struct value *v)
{
	if (v->form == VALUE_DIGITS)
		writer_put(w, v->bytes, v->length);
	else if (v->type == VALUE_DOUBLE && !isfinite(v->d))
		writer_put(w, "null", 4);
	else
		put_converted(w, v);
}

void json_put_value(struct writer *w, const struct value *v)
{
	switch (v->type) {
	case VALUE_BOOL:
		writer_put(w, v->b ? "true" : "false", v->b ? 4 : 5);
		return;
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
		put_number(w, v);
		return;
	case VALUE_STRING:
		if (v->form == VALUE_PLAIN)
			json_put_string(w, v->bytes, v->length);
		else
			put_quoted(w, v);
		return;
	case VALUE_BYTES:
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		put_quoted(w, v);
		return;
	case VALUE_LIST:
	case VALUE_MAP:
		json_put_checked(w, v->bytes, v->length);
		return;
	default:
		writer_put(w, "null", 4);
	}
}
