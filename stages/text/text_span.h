/* text_span.h - a part of a record.
 *
 * Threads: any. Memory: none; it points into the record. Layer: stages, libc only. */
#pragma once

#include <stdint.h>

struct text_span {
	const uint8_t *bytes; /* NULL: it is not there; what is empty is */
	uint32_t length;
};

static inline struct text_span text_span(const uint8_t *from, const uint8_t *to)
{
	return (struct text_span){from, (uint32_t)(to - from)};
}
