/* json_items.h - the elements of a JSON list, one after the other.
 *
 *	struct json_items walk = json_items_of(list.bytes, list.length);
 *	while (json_items_next(&walk, &element)) ...                       [{"a":1}, 2, "c"]
 *	                                                                    ^^^^^^^  ^  ^^^
 * The list has been checked (json_scan() found it as a VALUE_LIST): nothing is looked at but where elements end. Nothing outside
 * of it is read.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include "stages/text/text_span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_items {
	const uint8_t *at, *end;
};

struct json_items json_items_of(const uint8_t *list, size_t length);

/* False: there is no other. */
bool json_items_next(struct json_items *i, struct text_span *ret_element);
