/* arena.h - memory that is given back all at once: what a topology and its texts live in.
 *
 *   arena -> piece -> piece -> piece        each its own malloc, so that the sanitizers see the end of each
 *
 * Loading a topology is no hot path; what counts is that one limit bounds all of it, whatever the files say.
 * Threads: one. Memory: everything taken lives until arena_release(). Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct arena_piece;

struct arena {
	struct arena_piece *pieces;
	size_t used, limit; /* bytes, the pieces' own heads included */
	bool exhausted;     /* some take failed: whoever owns the arena tells the user, once */
};

void arena_init(struct arena *a, size_t limit);
void arena_release(struct arena *a);

/* size zeroed bytes, aligned for anything; NULL when the limit is reached or memory is out. */
void *arena_take(struct arena *a, size_t size);

/* The bytes copied, and a NUL after them; NULL as above. */
char *arena_copy(struct arena *a, const char *bytes, size_t length);

/* NULL as above. */
char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for one more item in an array of count items that was only ever grown by this function: the array itself, or a
 * larger copy with *room doubled. NULL as above. */
void *arena_grow(struct arena *a, void *array, size_t count, size_t *room, size_t item_size);
