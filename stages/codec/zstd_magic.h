/* zstd_magic.h - how a zstd file begins.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ZSTD_MAGIC_LENGTH = 4 };

/* True if a frame begins here, be it one with data or a skippable one (RFC 8878, 3.1). */
static inline bool zstd_magic_is(const uint8_t *bytes, size_t length)
{
	if (length < ZSTD_MAGIC_LENGTH)
		return false;
	uint32_t magic = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
			 (uint32_t)bytes[3] << 24;
	return magic == 0xFD2FB528 || (magic & 0xFFFFFFF0) == 0x184D2A50;
}
