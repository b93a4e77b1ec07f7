/* cel_items.h - lists and maps in both the forms that an expression meets: JSON text from a record, and an array of values
 * that a literal makes.
 *
 *   CEL_ITEMS   list: bytes ──► value value value      length = 3
 *               map:  bytes ──► key value key value    length = 2 pairs
 *
 * Threads: any. Memory: none; arrays lie in the program or in a scratch. Layer: stages. */
#pragma once

#include "stages/cel/cel_json.h"
#include "stages/value.h"

enum { CEL_ITEMS = VALUE_DIGITS + 1 }; /* one more enum value_form, never in a result */

struct cel_items {
	const struct value *at, *end; /* of CEL_ITEMS */
	struct cel_json json;
	bool is_json;
};

struct cel_items cel_items_begin(const struct value *container);

/* The next element of a list: 1, 0 at the end, -EINVAL. The value need not be PLAIN. */
int cel_items_element(struct cel_items *items, struct value *ret_value);

/* The next pair of a map, the same. */
int cel_items_pair(struct cel_items *items, struct value *ret_key, struct value *ret_value);

/* How many elements or pairs; -EINVAL. A name that JSON says twice counts twice. */
int64_t cel_items_count(const struct value *container);

/* Room for count values in scratch, aligned; NULL when there is none. */
struct value *cel_items_take(struct scratch *scratch, uint64_t count);

/* The elements of both lists as a new list, or an error. */
struct value cel_items_concatenated(const struct value *a, const struct value *b,
				    struct scratch *scratch);

/* What the map has for key, which is PLAIN, from there on: the last of several. 1, 0, or -errno as of cel_equal(). */
int cel_items_find(struct cel_items items, const struct value *key, struct scratch *scratch,
		   struct value *ret_value);
