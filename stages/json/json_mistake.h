/* json_mistake.h - what is wrong with a record, and where.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdint.h>

struct json_mistake {
	const char *
	    why; /* static, a few words, the same for each of its kind: counters go by it; NULL: nothing is */
	uint32_t at; /* bytes before it in the record */
};
