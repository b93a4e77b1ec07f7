#include "stages/lua/lua_heap.h"

#include <stdlib.h>

void lua_heap_init(struct lua_heap *h, size_t most)
{
	*h = (struct lua_heap){.most = most};
}

/* 0: it is not large. */
static unsigned class_of(size_t bytes)
{
	if (bytes >> LUA_HEAP_LARGE_SHIFT == 0)
		return 0;
	unsigned class = 63 - (unsigned)__builtin_clzll((unsigned long long)bytes);
	return class < LUA_HEAP_CLASSES ? class : LUA_HEAP_CLASSES - 1;
}

static void note(struct lua_heap *h, size_t before, size_t now)
{
	unsigned was = class_of(before), is = class_of(now);
	if (was > 0)
		h->large[was]--;
	if (is > 0)
		h->large[is]++;
	if (is > h->peak)
		h->peak = is;
	h->used = h->used - before + now;
}

void *lua_heap_allocate(void *heap, void *block, size_t before, size_t wanted)
{
	struct lua_heap *h = heap;
	if (!block)
		before = 0;
	if (wanted == 0) {
		free(block);
		note(h, before, 0);
		return NULL;
	}
	if (wanted > before && wanted - before > h->most - h->used)
		return NULL;
	void *moved = realloc(block, wanted);
	if (moved)
		note(h, before, wanted);
	/* who makes a block smaller is not prepared to hear that this failed */
	return moved || wanted > before ? moved : block;
}

uint64_t lua_heap_weight(struct lua_heap *h)
{
	unsigned peak = h->peak;
	while (h->peak > 0 && h->large[h->peak] == 0)
		h->peak--;
	return peak >= LUA_HEAP_LARGE_SHIFT ? UINT64_C(2) << (peak - LUA_HEAP_LARGE_SHIFT) : 1;
}
