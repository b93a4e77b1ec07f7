/* secret_sketch.h - one cheap pass over a text that says which kinds of secret cannot be in it: those whose bytes it lacks.
 *
 * Sixteen bytes at a time: bytes are counted, and pairs of letters at the distance that they have in a word are looked for.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include "stages/secrets/secret.h"

enum secret_hint {
	HINT_AT = 1,             /* @ */
	HINT_AT_ESCAPED = 2,     /* %40 */
	HINT_BEARER = 4,         /* b....r */
	HINT_BASIC = 8,          /* b...c */
	HINT_AUTHORIZATION = 16, /* a......z */
	HINT_OBJECT = 32,        /* e.J: {" in base64 */
	HINT_KEY_ID = 64,        /* A..A */
	HINT_SECRET = 128,       /* s....t */
};

struct secret_sketch {
	size_t digits, dots, colons, dashes;
	uint32_t hints;
};

void secret_sketch(struct secret_sketch *s, const uint8_t *text, size_t length);

static inline bool secret_may_be(const struct secret_sketch *s, const struct secret_needs *n)
{
	return s->digits >= n->digits && s->dots >= n->dots && s->colons >= n->colons &&
	       s->dashes >= n->dashes && (n->hints == 0 || (s->hints & n->hints));
}
