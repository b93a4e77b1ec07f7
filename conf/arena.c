#include "conf/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_piece {
	struct arena_piece *next;
	_Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){.limit = limit};
}

void arena_release(struct arena *a)
{
	while (a->pieces) {
		struct arena_piece *next = a->pieces->next;
		free(a->pieces);
		a->pieces = next;
	}
	a->used = 0;
}

static bool fits(const struct arena *a, size_t size)
{
	assert(a->used <= a->limit);
	return size <= SIZE_MAX - sizeof(struct arena_piece) &&
	       size + sizeof(struct arena_piece) <= a->limit - a->used;
}

void *arena_take(struct arena *a, size_t size)
{
	struct arena_piece *piece = NULL;

	if (fits(a, size))
		piece = calloc(1, sizeof(*piece) + size);
	if (!piece) {
		a->exhausted = true;
		return NULL;
	}
	piece->next = a->pieces;
	a->pieces = piece;
	a->used += sizeof(*piece) + size;
	return piece->bytes;
}

char *arena_copy(struct arena *a, const char *bytes, size_t length)
{
	char *copy = length < SIZE_MAX ? arena_take(a, length + 1) : NULL;

	if (copy && length)
		memcpy(copy, bytes, length);
	return copy;
}

char *arena_format(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(length >= 0);
	text = arena_take(a, (size_t)length + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

void *arena_grow(struct arena *a, void *array, size_t count, size_t *room, size_t item_size)
{
	size_t wanted = *room ? *room * 2 : 4;
	void *larger;

	assert(count <= *room);
	if (count < *room)
		return array;
	assert(wanted < SIZE_MAX / item_size);
	larger = arena_take(a, wanted * item_size);
	if (!larger)
		return NULL;
	if (count)
		memcpy(larger, array, count * item_size);
	*room = wanted;
	return larger;
}
