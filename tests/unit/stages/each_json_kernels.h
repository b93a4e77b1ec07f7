/* each_json_kernels.h - runs what follows once for each instruction set of this machine.
 * Threads: one. Memory: none. Layer: tests. */
#pragma once

#include "stages/json/json_blocks.h"

/* The next one, from NULL to NULL; in use when this returns. At the end the machine's own choice is. */
static inline const struct json_kernels *next_json_kernels(const struct json_kernels *k)
{
	static const struct json_kernels *chosen;
	chosen = chosen ? chosen : json_kernels;
	for (k = k ? k + 1 : json_kernels_all; k->name; k++) {
		if (k->supported()) {
			json_kernels = k;
			return k;
		}
	}
	json_kernels = chosen;
	return NULL;
}

#define EACH_JSON_KERNELS(k)                                                                       \
	for (const struct json_kernels *k = next_json_kernels(NULL); k; k = next_json_kernels(k))
