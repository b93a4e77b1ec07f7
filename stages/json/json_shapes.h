/* json_shapes.h - records that look like one before: what stands where is known without going over them again.
 *
 *	1st  {"status": 500, "user": {"id": 7}}      walked; its shape is kept:
 *	          skeleton {": 0, ": {": 0}}, names status, user, user.id, values behind the 1st and the 3rd name
 *	2nd  {"status": 404, "user": {"id": 12}}     the same skeleton (json_skeleton.h) and names: values by counting quotes
 *
 * Logs repeat a few shapes for ever. What is asked is the same as of json_scan(), and so is every answer: whatever is no
 * known shape, is longer than JSON_WINDOW_BYTES or wrong goes to json_scan(), which is asked alone for a while when hardly any
 * record looks like one before.
 *
 * Threads: one at a time. Memory: 1.3 MiB, malloc, at load. Nothing outside the record is read. Layer: stages. */
#pragma once

#include "stages/json/json_place.h"
#include "stages/json/json_scan.h"

struct json_shape_table;

enum { JSON_SHAPES_MEMBERS_MAX = 512 };

struct json_shapes {
	const struct json_plan *plan;
	struct json_shape_table *table; /* NULL: this machine walks as fast */
	struct json_member members[JSON_SHAPES_MEMBERS_MAX];
};

/* The plan is the caller's, complete, and outlives this. 0 or -ENOMEM; json_shapes_release() in any case. */
int json_shapes_init(struct json_shapes *s, const struct json_plan *plan);
void json_shapes_release(struct json_shapes *s);

/* Bytes that one takes, at most: on a machine that walks as fast it takes none. */
size_t json_shapes_memory(void);

/* As json_scan(). places: of those members that somebody wants; NULL: nobody asks. */
int json_shapes_scan(struct json_shapes *s, const uint8_t *bytes, uint32_t length,
		     struct value *values, struct json_places *places,
		     struct json_mistake *ret_mistake);
