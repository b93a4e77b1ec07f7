/* cel_utf8.h - characters of UTF-8, counted, checked and written.
 *
 * Threads: any. Memory: none. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CEL_UTF8_BYTES_MAX = 4 };

/* RFC 3629: no surrogates, nothing past U+10FFFF, no longer form than needed. */
bool cel_utf8_valid(const uint8_t *bytes, size_t length);

/* Characters in what is valid; in what is not, bytes that continue none are not counted. */
uint64_t cel_utf8_count(const uint8_t *bytes, size_t length);

/* Writes the character, 1 to 4 bytes; 0 when it is a surrogate or past U+10FFFF. */
unsigned cel_utf8_put(uint8_t *to, uint32_t character);
