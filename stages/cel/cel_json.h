/* cel_json.h - a walk over the raw JSON of a list or map, value by value, and strings and numbers decoded.
 *
 *   [1, {"a": [2]}, "x"]       each step gives one value: INT DIGITS, MAP as text, STRING PLAIN
 *    ^
 * Expects text that has been checked, and is safe with any: what is no JSON where the walk passes is -EINVAL. What lies inside
 * an inner list or map is only passed over.
 *
 * Threads: any. Memory: none; what is decoded goes into the scratch. Layer: stages. */
#pragma once

#include "stages/value.h"

#include <stddef.h>

struct cel_json {
	const uint8_t *at, *end;
	bool started; /* behind a value: a comma or the bracket comes next */
};

/* Before the first element of a VALUE_LIST or VALUE_MAP. */
struct cel_json cel_json_begin(const struct value *container);

/* The next element. 1, 0 at the end, -EINVAL. */
int cel_json_element(struct cel_json *j, struct value *ret_value);

/* The next member; its name is a STRING. 1, 0 at the end, -EINVAL. */
int cel_json_member(struct cel_json *j, struct value *ret_name, struct value *ret_value);

/* Makes v PLAIN: decodes ESCAPED and DIGITS. What cannot be decoded, or finds no room, becomes VALUE_ERROR. */
void cel_json_decode(struct value *v, struct scratch *scratch);
