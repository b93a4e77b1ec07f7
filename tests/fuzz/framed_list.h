/* framed_list.h - the records that a framer makes of some bytes, and what a long line becomes, written as plainly as can be.
 *
 * Layer: tests, libFuzzer. */
#pragma once

#include "stages/framer.h"

#include <assert.h>
#include <string.h>

enum { INPUT_MAX = 4096 };

/* Records, each behind its length. */
struct framed_list {
	uint8_t bytes[INPUT_MAX * 6];
	size_t length;
	bool refused; /* what comes behind them */
};

static inline void framed_list_add(struct framed_list *l, const uint8_t *bytes, size_t length)
{
	uint32_t n = (uint32_t)length;
	assert(l->length + length + sizeof n <= sizeof l->bytes);
	memcpy(l->bytes + l->length, &n, sizeof n);
	memcpy(l->bytes + l->length + sizeof n, bytes, length);
	l->length += length + sizeof n;
}

static inline void framed_list_add_line(struct framed_list *l, const struct framing *rules,
					const uint8_t *line, size_t length)
{
	size_t most = rules->max_line;
	if (length <= most)
		framed_list_add(l, line, length);
	else if (rules->on_long_line == LONG_LINE_TRUNCATE)
		framed_list_add(l, line, most);
	else if (rules->on_long_line == LONG_LINE_SPLIT)
		for (; length > 0; length -= length < most ? length : most, line += most)
			framed_list_add(l, line, length < most ? length : most);
}

static inline void framed_list_add_batch(struct framed_list *l, const struct batch *b)
{
	for (uint32_t i = 0; i < b->count; i++)
		framed_list_add(l, b->bytes + b->records[i].offset, b->records[i].length);
}

static inline void framed_list_assert_same(const struct framed_list *a, const struct framed_list *b)
{
	assert(a->refused == b->refused);
	assert(a->length == b->length);
	assert(memcmp(a->bytes, b->bytes, a->length) == 0);
}
