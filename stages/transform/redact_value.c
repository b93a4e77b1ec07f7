#include "stages/transform/redact_value.h"
#include "stages/cel/cel_convert.h"
#include "stages/json/json_text.h"

#include <errno.h>

const char *redact_reason(int result)
{
	switch (result) {
	case -ELOOP:
		return "regex gave up";
	case -ENOBUFS:
		return "out of room";
	default:
		return "regex failed";
	}
}

static bool begins_object(const uint8_t *text, uint32_t length)
{
	uint32_t at = 0;
	while (at < length && (text[at] == ' ' || text[at] == '\t'))
		at++;
	return at < length && text[at] == '{';
}

static bool is_object(const struct redact_texts *t, const uint8_t *text, uint32_t length)
{
	struct json_mistake mistake;
	struct value none;
	return begins_object(text, length) &&
	       json_scan(&t->plan, text, length, &none, NULL, &mistake) == 0;
}

/* Nobody takes JSON apart in which there is nothing to be found. */
static bool is_dull(const struct redact_texts *t, const uint8_t *text, uint32_t length)
{
	return length == 0 || (!memchr(text, '\\', length) &&
			       !secret_search_may_find(&t->redactor.search, text, length));
}

int redact_text(struct redact_texts *t, const uint8_t *text, uint32_t length, struct scratch *room,
		struct writer *w)
{
	if (is_dull(t, text, length))
		return REDACTED_NOTHING;
	if (is_object(t, text, length))
		return redactor_json(&t->redactor, text, length, room, w);
	return redactor_text(&t->redactor, text, length, w);
}

static bool is_number(const struct value *v)
{
	return v->type == VALUE_INT || v->type == VALUE_UINT || v->type == VALUE_DOUBLE;
}

/* Half of the room is for what is made on the way. */
static struct scratch other_half(const struct scratch *room)
{
	if (room->at == room->end)
		return *room;
	return (struct scratch){room->at + (room->end - room->at) / 2, room->end};
}

/* The text of it, decoded; MISSING: it has none that could hold a secret. */
static int text_of(const struct value *v, struct scratch *room, struct value *ret)
{
	*ret = *v;
	if (v->type == VALUE_STRING && v->form == VALUE_ESCAPED)
		return json_decode_string(ret, room);
	if (is_number(v) && v->form != VALUE_DIGITS)
		*ret = cel_converted(VALUE_STRING, v, room);
	else if (!is_number(v) && v->type != VALUE_STRING && v->type != VALUE_BYTES)
		ret->type = VALUE_MISSING;
	return ret->type == VALUE_ERROR ? -ENOBUFS : 0;
}

static int search(struct redact_texts *t, const struct value *v, struct scratch *room,
		  struct writer *w)
{
	struct value text;
	if (v->type == VALUE_MAP || v->type == VALUE_LIST)
		return redactor_json(&t->redactor, v->bytes, v->length, room, w);
	if (text_of(v, room, &text) < 0)
		return -ENOBUFS;
	if (text.type == VALUE_MISSING)
		return REDACTED_NOTHING;
	return redact_text(t, text.bytes, text.length, room, w);
}

const char *redact_value(struct redact_texts *t, struct value *v, struct scratch *room)
{
	struct scratch way = other_half(room);
	struct writer w = {room->at, way.at, false};
	int result = search(t, v, &way, &w);
	if (result < 0)
		return redact_reason(result);
	if (result == REDACTED_NOTHING)
		return NULL;
	v->bytes = room->at;
	v->length = (uint32_t)(w.at - room->at);
	v->form = VALUE_PLAIN;
	if (is_number(v))
		v->type = VALUE_STRING;
	room->at = w.at;
	return NULL;
}
