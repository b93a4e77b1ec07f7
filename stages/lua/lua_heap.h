/* lua_heap.h - what a script may take of memory, and how long the longest of what it has is.
 *
 * One instruction of a script may compare, copy or search all of its largest string or table, so that a count of instructions
 * bounds time only together with that: see lua_heap_weight().
 *
 * Threads: the script's. Memory: malloc, never more than `most` at a time. Layer: stages, libc only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	LUA_HEAP_LARGE_SHIFT = 16, /* blocks of 64 KiB weigh more than one */
	LUA_HEAP_CLASSES = 48,
};

struct lua_heap {
	size_t most, used;
	unsigned peak;                    /* class of the largest block since it was last weighed */
	uint32_t large[LUA_HEAP_CLASSES]; /* how many blocks there are of 2^n to 2^(n+1) bytes */
};

void lua_heap_init(struct lua_heap *h, size_t most);

/* A lua_Alloc. */
void *lua_heap_allocate(void *heap, void *block, size_t before, size_t wanted);

/* What one instruction may have cost at most since this was asked the last time, in runs over 64 KiB; at least 1. */
uint64_t lua_heap_weight(struct lua_heap *h);
