/* json_text.h - strings in JSON and strings without: escapes taken out and put in.
 *
 * Threads: any. Memory: the caller's. Layer: stages. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "stages/value.h"

/* Makes PLAIN of an ESCAPED string that json_scan() has found. It never gets longer. 0, or -ENOBUFS: there is no room in
 * s, and v is as it was. */
int json_decode_string(struct value *v, struct scratch *s);

/* As many bytes as the string of so many can take at most, quotes and all. */
static inline size_t json_encoded_max(size_t length)
{
	return 2 + 6 * length;
}

/* Writes bytes as a JSON string with its quotes: whatever they are, it is one string on one line, and UTF-8. Each part that
 * is not becomes U+FFFD (as WHATWG's decoders cut them up). Returns how many bytes were written, or -ENOBUFS: they do not fit
 * into room. */
int64_t json_encode_string(uint8_t *to, size_t room, const uint8_t *bytes, size_t length);
