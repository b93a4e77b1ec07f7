/* siphash.h - SipHash-2-4 with 128 bits (J.-P. Aumasson, D. J. Bernstein): a keyed hash from which, without the key, nothing can
 * be told of what was hashed, not even by trying all there may be.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16, SIPHASH_BYTES = 16 };

void siphash(const uint8_t key[SIPHASH_KEY_BYTES], const uint8_t *bytes, size_t length,
	     uint8_t hash[SIPHASH_BYTES]);
