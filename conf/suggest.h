/* suggest.h - the known name that is most like a mistyped one.
 *
 * Threads: one. Memory: none; names stay the caller's. Layer: libc only. */
#pragma once

#include <stddef.h>

struct suggest {
	const char *typed;
	size_t length;
	/* Of the best so far; one more than would be accepted, while there is none. */
	size_t distance;
	const char *best; /* NULL while no name is near enough */
};

/* typed need not end with a NUL, and must outlive s. */
void suggest_init(struct suggest *s, const char *typed, size_t length);

/* Takes name for the best if it is nearer than all before. Distance: optimal string alignment (Damerau-Levenshtein
 * without overlapping transpositions), blind to case and to `-` for `_`. Near enough: a third of what was typed, at
 * least 1 and at most 3 edits. */
void suggest_consider(struct suggest *s, const char *name);
