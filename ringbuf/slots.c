/* slots.c - memory for a ring's slots. */
#include "ringbuf/slots.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

size_t slots_for(size_t capacity)
{
	assert(capacity > 0);
	size_t slots = 1;
	while (slots && slots < capacity)
		slots <<= 1;
	return slots;
}

void *slots_allocate(size_t slots, size_t size)
{
	assert(size > 0);
	if (slots == 0 || slots > (SIZE_MAX / 4) / size)
		return NULL;
	size_t bytes = (slots * size + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	void *memory = aligned_alloc(CACHE_LINE, bytes);
	if (memory)
		memset(memory, 0, bytes);
	return memory;
}
