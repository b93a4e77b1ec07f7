/* json_merge.h - the members of several objects that become one: of a name that comes twice the last one counts.
 *
 *   {"a":1,"b":2}  +  {"b":3,"c":4}   ->   a 1, b 3, c 4
 *
 * Threads: the encoder's. Memory: json_merge_release(). Layer: stages. */
#pragma once

#include "stages/json/json_scan.h"

enum { JSON_MERGE_MEMBERS_MAX = 8192 }; /* of all objects of one record */

#define JSON_TOO_MANY_FIELDS "more fields than there is room for"

/* A member of one of them. Its name, prefix and all, is compared as what it means. */
struct json_merge_entry {
	struct json_member member;
	const uint8_t *prefix; /* of its name */
	uint32_t prefix_length;
	bool is_last; /* of its name */
};

struct json_merge {
	struct json_merge_entry *entries;
	uint32_t count;
	struct json_member *found; /* of the object at hand */
	uint32_t *slots;           /* entries by name, counted from 1; 0: free */
};

/* 0 or -ENOMEM; json_merge_release() in any case. */
int json_merge_init(struct json_merge *m);
void json_merge_release(struct json_merge *m);

/* Adds an object's members. The plan's columns go into the members; values: room for them. NULL, or why not (static). */
const char *json_merge_add(struct json_merge *m, const struct json_plan *plan, struct value *values,
			   const struct value *object, const uint8_t *prefix, size_t prefix_length);

/* Finds which are the last of their names. */
void json_merge_settle(struct json_merge *m);
