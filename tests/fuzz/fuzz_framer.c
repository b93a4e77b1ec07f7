/* fuzz_framer.c - any bytes, any delimiter, any max_line, read in pieces of any size: the records are those of a framer
 * that has all of them at once, written as plainly as can be.
 *
 *   byte 0: on_long_line and the delimiter's length; 1: max_line; 2: bytes a read; then the delimiter; the rest: the input
 *
 * Layer: tests, libFuzzer. */
#include "stages/home.h"
#include "tests/fuzz/framed_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { CAPACITY = 2048 };

/* ---- plainly ---- */

static void frame_plainly(struct framed_list *l, const struct framing *rules, const uint8_t *bytes,
			  size_t length)
{
	const struct delimiter *d = &rules->delimiter;
	while (length > 0) {
		const uint8_t *end = memmem(bytes, length, d->bytes, d->length);
		size_t line = end ? (size_t)(end - bytes) : length;
		framed_list_add_line(l, rules, bytes, line);
		line += end ? d->length : 0;
		bytes += line;
		length -= line;
	}
}

/* ---- in pieces ---- */

struct reading {
	struct home home;
	struct buffer *buffer;
	struct framer framer;
	size_t held; /* in front of the buffer */
};

static void take_records(struct reading *r, const struct framing *rules, size_t to, bool ended,
			 struct framed_list *l)
{
	size_t from = 0;
	for (;;) {
		struct batch *b = batch_new(&r->home, r->buffer);
		assert(b);
		from = framer_fill(&r->framer, rules, b, from, to, ended, NULL);
		uint32_t count = b->count;
		framed_list_add_batch(l, b);
		batch_free(&b);
		if (count == 0)
			break;
	}
	memmove(r->buffer->bytes, r->buffer->bytes + from, to - from);
	r->held = to - from;
	assert(!ended || r->held == 0);
}

static void frame_in_pieces(struct framed_list *l, const struct framing *rules, size_t piece,
			    const uint8_t *bytes, size_t length)
{
	struct reading r = {.held = 0};
	if (home_init(&r.home, &(struct home_size){
				   .buffers = 1, .buffer_capacity = CAPACITY, .batches = 2}) < 0)
		abort();
	r.buffer = home_take_buffer(&r.home);
	framer_init(&r.framer);
	while (length > 0) {
		size_t n = piece < length ? piece : length;
		if (n > CAPACITY - r.held)
			n = CAPACITY - r.held;
		assert(n > 0);
		memcpy(r.buffer->bytes + r.held, bytes, n);
		bytes += n;
		length -= n;
		take_records(&r, rules, r.held + n, length == 0, l);
	}
	buffer_let_go(r.buffer);
	home_release(&r.home);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct framed_list wanted, got;
	static struct stage_counters counters;
	size_t head = 3 + DELIMITER_MAX;
	if (length < head || length > INPUT_MAX)
		return 0;
	struct framing rules = {
	    .max_line = (size_t)bytes[1] * 4 + 1,
	    .on_long_line = (enum long_line)(bytes[0] % 3),
	    .delimiter = {.length = (uint8_t)(bytes[0] / 3 % DELIMITER_MAX + 1)},
	    .counters = &counters};
	memcpy(rules.delimiter.bytes, bytes + 3, rules.delimiter.length);
	wanted.length = got.length = 0;
	frame_plainly(&wanted, &rules, bytes + head, length - head);
	frame_in_pieces(&got, &rules, (size_t)bytes[2] + 1, bytes + head, length - head);
	framed_list_assert_same(&wanted, &got);
	return 0;
}
