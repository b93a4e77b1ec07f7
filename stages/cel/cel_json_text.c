#include "stages/cel/cel_json_text.h"

#include "stages/cel/cel_convert.h"
#include "stages/cel/cel_items.h"
#include "stages/cel/cel_reasons.h"

#include <stdio.h>
#include <string.h>

/* Text at the front of the scratch, as far as there was room and JSON for it. */
struct writer {
	struct scratch *scratch;
	const char *why; /* NULL while all is well */
};

static void put_value(struct writer *w, const struct value *v);

static void put(struct writer *w, const void *bytes, size_t length)
{
	uint8_t *to = w->why ? NULL : scratch_take(w->scratch, length);
	if (to && length)
		memcpy(to, bytes, length);
	else if (!to && !w->why)
		w->why = CEL_OUT_OF_ROOM;
}

static void put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

static void put_escaped(struct writer *w, uint8_t c)
{
	char text[8];
	if (c == '"' || c == '\\')
		snprintf(text, sizeof text, "\\%c", c);
	else
		snprintf(text, sizeof text, "\\u%04x", c);
	put_text(w, text);
}

static void put_string(struct writer *w, const struct value *v)
{
	put_text(w, "\"");
	uint32_t done = 0;
	for (uint32_t i = 0; v->form == VALUE_PLAIN && i < v->length; i++) {
		uint8_t c = v->bytes[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		put(w, v->bytes + done, i - done);
		put_escaped(w, c);
		done = i + 1;
	}
	if (v->length > done)
		put(w, v->bytes + done, v->length - done);
	put_text(w, "\"");
}

/* Numbers, times: as string() says it, in a small scratch of its own. */
static void put_converted(struct writer *w, const struct value *v, bool quoted)
{
	uint8_t room[64];
	struct scratch own = {room, room + sizeof room};
	struct value text = cel_converted(VALUE_STRING, v, &own);
	if (quoted)
		put_string(w, &text);
	else
		put(w, text.bytes, text.length);
}

static void put_list(struct writer *w, const struct value *list)
{
	struct cel_items items = cel_items_begin(list);
	struct value v;
	const char *before = "[";
	for (; cel_items_element(&items, &v) > 0; before = ",") {
		put_text(w, before);
		put_value(w, &v);
	}
	put_text(w, *before == '[' ? "[]" : "]");
}

static void put_map(struct writer *w, const struct value *map)
{
	struct cel_items items = cel_items_begin(map);
	struct value key, v;
	const char *before = "{";
	for (; cel_items_pair(&items, &key, &v) > 0; before = ",") {
		put_text(w, before);
		if (key.type == VALUE_STRING)
			put_string(w, &key);
		else
			put_converted(w, &key, true);
		put_text(w, ":");
		put_value(w, &v);
	}
	put_text(w, *before == '{' ? "{}" : "}");
}

static void put_container(struct writer *w, const struct value *v)
{
	if (v->form != CEL_ITEMS)
		put(w, v->bytes, v->length);
	else if (v->type == VALUE_MAP)
		put_map(w, v);
	else
		put_list(w, v);
}

static void put_number(struct writer *w, const struct value *v)
{
	bool finite = v->type != VALUE_DOUBLE || v->form == VALUE_DIGITS ||
		      !(__builtin_isnan(v->d) || __builtin_isinf(v->d));
	if (!finite)
		w->why = "JSON has no such number";
	else if (v->form == VALUE_DIGITS)
		put(w, v->bytes, v->length);
	else
		put_converted(w, v, false);
}

static void put_value(struct writer *w, const struct value *v)
{
	switch (v->type) {
	case VALUE_NULL:
		put_text(w, "null");
		return;
	case VALUE_BOOL:
		put_text(w, v->b ? "true" : "false");
		return;
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
		put_number(w, v);
		return;
	case VALUE_STRING:
		put_string(w, v);
		return;
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		put_converted(w, v, true);
		return;
	case VALUE_LIST:
	case VALUE_MAP:
		put_container(w, v);
		return;
	default:
		w->why = "JSON has no bytes";
	}
}

struct value cel_json_text(const struct value *container, struct scratch *scratch)
{
	struct writer w = {.scratch = scratch};
	uint8_t *start = scratch->at;
	put_container(&w, container);
	if (!w.why && scratch->at - start > UINT32_MAX)
		w.why = CEL_OUT_OF_ROOM;
	if (w.why)
		return cel_error_value(w.why);
	return (struct value){
	    .bytes = start, .length = (uint32_t)(scratch->at - start), .type = container->type};
}
