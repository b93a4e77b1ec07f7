/* path_above.h - the directory that a path lies in.
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <string.h>

/* How much of path that is: 0 for a name alone, "/" for what lies in the root. */
static inline size_t path_above_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	return !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
}

/* As it is opened: "." for a name alone. out has room for all of path, and for two bytes. */
static inline void path_above(const char *path, char *out)
{
	size_t length = path_above_length(path);
	memcpy(out, length > 0 ? path : ".", length > 0 ? length : 1);
	out[length > 0 ? length : 1] = '\0';
}
