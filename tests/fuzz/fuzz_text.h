/* fuzz_text.h - for fuzzers of what takes a record apart: a copy with nothing readable behind it, parts that lie in it one behind
 * the other, and a text that is put together again.
 *
 * Threads: one. Memory: fuzzed_copy() is the caller's, to be freed. Layer: tests. */
#pragma once

#include "stages/text/text_span.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline uint8_t *fuzzed_copy(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length ? length : 1);
	assert(copy);
	if (length)
		memcpy(copy, bytes, length);
	return copy;
}

/* It lies behind *at, which is moved behind it, and before end; or it is not there. */
static inline void fuzzed_follows(const struct text_span *s, const uint8_t **at, const uint8_t *end)
{
	if (!s->bytes)
		return;
	assert(s->bytes >= *at && s->bytes <= end && s->length <= (size_t)(end - s->bytes));
	*at = s->bytes + s->length;
}

static inline bool fuzzed_same(const struct text_span *a, const struct text_span *b)
{
	return !a->bytes == !b->bytes && a->length == b->length &&
	       (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

struct fuzzed_text {
	uint8_t *bytes;
	size_t length, room;
};

static inline void fuzzed_put(struct fuzzed_text *t, const void *bytes, size_t length)
{
	assert(length <= t->room - t->length);
	if (length)
		memcpy(t->bytes + t->length, bytes, length);
	t->length += length;
}

static inline void fuzzed_put_text(struct fuzzed_text *t, const char *text)
{
	fuzzed_put(t, text, strlen(text));
}
