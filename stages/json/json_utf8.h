/* json_utf8.h - one character of UTF-8, as RFC 3629 has it: no overlong ones, no surrogates, none past U+10FFFF.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UTF8_CHARACTER_MAX = 4 };

struct utf8_character {
	uint8_t
	    length; /* bytes it takes; of what is wrong: as many as could have begun a character, at least 1 */
	bool valid;
};

/* The character that begins at bytes; room is at least 1. */
struct utf8_character utf8_character(const uint8_t *bytes, size_t room);

/* Bytes before the first that is not UTF-8; length when all are. */
size_t utf8_valid_prefix(const uint8_t *bytes, size_t length);

/* Writes a code point that is no surrogate and at most 0x10ffff; returns how many bytes, at most UTF8_CHARACTER_MAX. */
static inline size_t utf8_put(uint8_t *to, uint32_t point)
{
	if (point < 0x80) {
		to[0] = (uint8_t)point;
		return 1;
	}
	if (point < 0x800) {
		to[0] = (uint8_t)(0xc0 | point >> 6);
		to[1] = (uint8_t)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		to[0] = (uint8_t)(0xe0 | point >> 12);
		to[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
		to[2] = (uint8_t)(0x80 | (point & 0x3f));
		return 3;
	}
	to[0] = (uint8_t)(0xf0 | point >> 18);
	to[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
	to[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
	to[3] = (uint8_t)(0x80 | (point & 0x3f));
	return 4;
}
