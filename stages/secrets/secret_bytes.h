/* secret_bytes.h - which bytes are digits, letters and so on in text that secrets are looked for in; ASCII's alone.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline bool is_letter(uint8_t c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

static inline bool is_alnum(uint8_t c)
{
	return is_digit(c) || is_letter(c);
}

static inline bool is_hex(uint8_t c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

/* Of URLs and files' names, too. */
static inline bool is_base64(uint8_t c)
{
	return is_alnum(c) || c == '+' || c == '/' || c == '-' || c == '_';
}

/* A word of lower case letters stands at text[at], in whatever case. */
static inline bool has_word(const uint8_t *text, size_t length, size_t at, const char *word)
{
	for (; *word; word++, at++)
		if (at >= length || lower(text[at]) != (uint8_t)*word)
			return false;
	return true;
}
