/* literal.h - finds one byte string in a region, at memory speed.
 *
 * Two of the needle's bytes that are rare in logs are compared at their distance in a whole vector at once; a hit is
 * verified with memcmp. (W. Mula, "SIMD-friendly algorithms for substring searching"; the choice of rare bytes
 * follows ripgrep's idea of a background frequency table.)
 *
 * Threads: a prepared literal is read-only and shared by any number. Memory: the needle's bytes are the caller's and
 * must outlive it. Layer: stages. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct literal {
	const uint8_t *bytes;
	size_t length;
	uint32_t rare_first,
	    rare_second; /* offsets of the two bytes compared, first < second unless length is 1 */
};

/* How common each byte is in logs: 256 + 16 log2(its share of all bytes), at least 1. So 16 less is half as often. */
extern const uint8_t literal_commonness[256];

/* length >= 1 */
void literal_prepare(struct literal *l, const void *bytes, size_t length);

/* The first occurrence in [from, end), or NULL. Reads no byte outside of [from, end). Linear in the region's length,
 * whatever it holds. */
const uint8_t *literal_find(const struct literal *l, const uint8_t *from, const uint8_t *end);
