#include "stages/json/json_object.h"

#include "stages/json/json_text.h"

#include <errno.h>
#include <string.h>

void json_object_raw(struct json_object *o, const void *json, size_t length)
{
	uint8_t *to = o->full ? NULL : scratch_take(o->room, length);
	o->full = !to;
	if (to && length)
		memcpy(to, json, length);
}

void json_object_string(struct json_object *o, const uint8_t *bytes, size_t length)
{
	if (o->full)
		return;
	size_t room = (size_t)(o->room->end - o->room->at);
	int64_t n = json_encode_string(o->room->at, room, bytes, length);
	o->full = n < 0;
	o->room->at += n < 0 ? 0 : n;
}

/* It is written behind, and moved. */
void json_object_made(struct json_object *o, uint8_t *made, size_t length)
{
	uint8_t *behind = made + length;
	o->room->at = behind;
	json_object_string(o, made, length);
	size_t written = (size_t)(o->room->at - behind);
	memmove(made, behind, written);
	o->room->at = made + written;
}

void json_object_escaped(struct json_object *o, const uint8_t *bytes, uint32_t length)
{
	uint8_t *to = o->room->at;
	struct value v = {
	    .bytes = bytes, .length = length, .type = VALUE_STRING, .form = VALUE_ESCAPED};
	o->full = o->full || json_decode_string(&v, o->room) < 0;
	if (!o->full)
		json_object_made(o, to, v.length);
}

void json_object_open(struct json_object *o)
{
	json_object_raw(o, "{", 1);
	o->follows = false;
}

void json_object_close(struct json_object *o)
{
	json_object_raw(o, "}", 1);
	o->follows = true;
}

struct json_object json_object_begin(struct scratch *room)
{
	struct json_object o = {.room = room, .from = room->at};
	json_object_open(&o);
	return o;
}

void json_object_name(struct json_object *o, const uint8_t *name, size_t length)
{
	if (o->follows)
		json_object_raw(o, ",", 1);
	json_object_string(o, name, length);
	json_object_raw(o, ":", 1);
	o->follows = true;
}

int json_object_end(struct json_object *o, struct value *ret_object)
{
	json_object_close(o);
	size_t length = (size_t)(o->room->at - o->from);
	if (o->full || length > UINT32_MAX) {
		o->room->at = o->from;
		return -ENOBUFS;
	}
	*ret_object =
	    (struct value){.bytes = o->from, .length = (uint32_t)length, .type = VALUE_MAP};
	return 0;
}
