/* guarded.h - bytes with nothing readable before or after them, and numbers that are the same in every run. */
#pragma once

#include "stages/blocks.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { GUARD = 4096, GUARDED_MAX = 16 * GUARD };

/* [ no access | GUARDED_MAX bytes | no access ] */
static inline uint8_t *guarded_map(void)
{
	uint8_t *map =
	    mmap(NULL, GUARDED_MAX + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(map != MAP_FAILED);
	int r = mprotect(map + GUARD, GUARDED_MAX, PROT_READ | PROT_WRITE);
	assert(r == 0);
	(void)r;
	return map + GUARD;
}

/* length bytes that end where reading is no longer allowed, or begin where it begins to be. Lives until the next call
 * of the same kind. */
static inline uint8_t *guarded_at_end(const void *bytes, size_t length)
{
	static uint8_t *map;
	map = map ? map : guarded_map();
	assert(length <= GUARDED_MAX);
	if (length)
		memcpy(map + GUARDED_MAX - length, bytes, length);
	return map + GUARDED_MAX - length;
}

static inline uint8_t *guarded_at_start(const void *bytes, size_t length)
{
	static uint8_t *map;
	map = map ? map : guarded_map();
	assert(length <= GUARDED_MAX);
	if (length)
		memcpy(map, bytes, length);
	return map;
}

/* splitmix64 (S. Vigna) */
static inline uint64_t dice(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline size_t dice_below(uint64_t *seed, size_t n)
{
	return (size_t)(dice(seed) % n);
}

static inline void dice_fill(uint64_t *seed, uint8_t *bytes, size_t length, const char *alphabet)
{
	size_t letters = strlen(alphabet);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)alphabet[dice_below(seed, letters)];
}

/* Number n, written with the letters of the alphabet: all strings of a length, one after the other. */
static inline void spell(size_t n, uint8_t *bytes, size_t length, const char *alphabet)
{
	size_t letters = strlen(alphabet);
	for (size_t i = 0; i < length; i++, n /= letters)
		bytes[i] = (uint8_t)alphabet[n % letters];
}

static inline size_t spellings(size_t length, const char *alphabet)
{
	size_t n = 1;
	for (size_t i = 0; i < length; i++)
		n *= strlen(alphabet);
	return n;
}

/* The next instruction set of this machine, from NULL to NULL; in use when this returns. At the end the machine's own
 * choice is. */
static inline const struct block_kernels *next_kernels(const struct block_kernels *k)
{
	static const struct block_kernels *chosen;
	chosen = chosen ? chosen : block_kernels;
	for (k = k ? k + 1 : block_kernels_all; k->name; k++) {
		if (k->supported()) {
			block_kernels = k;
			return k;
		}
	}
	block_kernels = chosen;
	return NULL;
}
