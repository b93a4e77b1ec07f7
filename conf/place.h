/* place.h - where in the user's files something stands.
 *
 * Threads: any. Memory: none of its own. Layer: libc only. */
#pragma once

struct place {
	/* As the user named it; "--set KEY" where it came from there; NULL: nowhere. */
	const char *file;
	/* From 1, the column in characters as editors count; 0 when there is none. */
	unsigned line, column;
};
