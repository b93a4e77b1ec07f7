/* json_escape.h - one escape of a JSON string: \n, \u00e9, or two of them that are a pair of surrogates.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct json_escape {
	uint32_t point;  /* the character it stands for */
	uint8_t length;  /* 2, 6, or 12 for a pair; 0: it is none */
	const char *why; /* static; when it is none */
};

/* bytes[0] is a backslash; room counts it. */
struct json_escape json_escape(const uint8_t *bytes, size_t room);
