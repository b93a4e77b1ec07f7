/* json_object.h - a JSON object, written member by member.
 *
 *	struct json_object o = json_object_begin(room);
 *	json_object_name(&o, name, length);
 *	json_object_string(&o, bytes, length);                any bytes, as json_encode_string() has them
 *	...
 *	r = json_object_end(&o, &value);
 *
 * A name that is given twice is there twice. Objects may lie within each other.
 *
 * Threads: the room's. Memory: room, from the front; nothing else may be taken of it before the end. Layer: stages. */
#pragma once

#include "stages/value.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object {
	struct scratch *room;
	uint8_t *from;
	bool follows; /* there is a member before the next */
	bool full;    /* there was no room for something */
};

struct json_object json_object_begin(struct scratch *room);

void json_object_name(struct json_object *o, const uint8_t *name, size_t length);
void json_object_string(struct json_object *o, const uint8_t *bytes, size_t length);
/* What json_decode_string() takes, though it may hold bytes between its escapes that JSON does not allow. */
void json_object_escaped(struct json_object *o, const uint8_t *bytes, uint32_t length);
/* A string that was made in what was taken last of the room, from its beginning: it is written over that. */
void json_object_made(struct json_object *o, uint8_t *made, size_t length);
/* What is JSON already. */
void json_object_raw(struct json_object *o, const void *json, size_t length);
/* As the value of a name; closed before the next name of the object that it is in. */
void json_object_open(struct json_object *o);
void json_object_close(struct json_object *o);

/* 0, or -ENOBUFS: there was no room for it, and what it took is given back. */
int json_object_end(struct json_object *o, struct value *ret_object);
