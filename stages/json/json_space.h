/* json_space.h - the whitespace that JSON may have between its parts.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline bool json_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes it off both ends of [*from, *to). */
static inline void json_trim(const uint8_t **from, const uint8_t **to)
{
	while (*from < *to && json_is_space(**from))
		++*from;
	while (*to > *from && json_is_space((*to)[-1]))
		--*to;
}
