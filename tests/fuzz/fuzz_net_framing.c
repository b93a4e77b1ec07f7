/* fuzz_net_framing.c - any bytes, framed in any way, read in pieces of any size: the records are those of a framer that has all of them
 * at once, written as plainly as can be; behind each there is a delimiter in memory; a frame that is refused is refused by both.
 *
 *   byte 0: the method; 1: max_line; 2: bytes a read; 3: length_bytes, endian and on_long_line; the rest: the input
 *
 * Layer: tests, libFuzzer. */
#include "stages/home.h"
#include "stages/net/net_framing.h"
#include "tests/fuzz/framed_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { CAPACITY = 8192, HEAD = 4 };

/* ---- plainly ---- */

/* What a length says: how many bytes it takes; 0: none is there; -1: it is none; -2: it is too long for one. */
static int read_decimal(const uint8_t *bytes, size_t length, uint64_t *ret)
{
	size_t n = 0;
	*ret = 0;
	for (; n < length && bytes[n] >= '0' && bytes[n] <= '9'; n++) {
		if (n == 10)
			return -2;
		*ret = 10 * *ret + bytes[n] - '0';
	}
	if (n == length)
		return 0;
	return n > 0 && bytes[0] != '0' && bytes[n] == ' ' ? (int)n + 1 : -1;
}

static size_t frame_line(struct framed_list *l, const struct net_framing *r, const uint8_t *bytes,
			 size_t length)
{
	const uint8_t *end = memchr(bytes, r->lines.delimiter.bytes[0], length);
	size_t line = end ? (size_t)(end - bytes) : length;
	framed_list_add_line(l, &r->lines, bytes, line);
	return line + (end ? 1 : 0);
}

/* Of one frame: what it takes; 0: it has not come whole, or is refused. */
static size_t frame_one(struct framed_list *l, const struct net_framing *r, const uint8_t *bytes,
			size_t length)
{
	uint64_t said = 0;
	int head;
	if (r->method == NET_NEWLINE || r->method == NET_NUL)
		return frame_line(l, r, bytes, length);
	if (r->method == NET_LENGTH_PREFIXED) {
		head = length < r->length_bytes ? 0 : (int)r->length_bytes;
		for (int i = 0; i < head; i++)
			said = said << 8 | bytes[r->little_endian ? head - 1 - i : i];
	} else {
		head = read_decimal(bytes, length, &said);
	}
	if (r->method == NET_AUTO) {
		if (bytes[0] == '\n')
			return 1;
		bool counts = head > 0 && (size_t)head < length && bytes[head] == '<';
		if (!counts) /* with no more to come, what may have become a length is a line */
			return frame_line(l, r, bytes, length);
	}
	l->refused = head < 0 || (head > 0 && said > r->lines.max_line);
	if (head <= 0 || l->refused || said > length - (size_t)head)
		return 0;
	bool ends =
	    r->method != NET_LENGTH_PREFIXED && said > 0 && bytes[head + (int)said - 1] == '\n';
	framed_list_add(l, bytes + head, (size_t)said - ends);
	return (size_t)head + (size_t)said;
}

static void frame_plainly(struct framed_list *l, const struct net_framing *r, const uint8_t *bytes,
			  size_t length)
{
	while (length > 0) {
		size_t n = frame_one(l, r, bytes, length);
		if (n == 0)
			return;
		bytes += n;
		length -= n;
	}
}

/* ---- in pieces ---- */

struct reading {
	struct home home;
	struct buffer *buffer;
	struct net_framer framer;
	size_t held; /* in front of the buffer */
};

static void check_delimited(const struct batch *b)
{
	for (uint32_t i = 0; i < b->count - (b->unterminated ? 1u : 0u); i++) {
		const struct record *record = &b->records[i];
		assert(b->bytes[record->offset + record->length] == b->delimiter.bytes[0]);
	}
}

static void take_records(struct reading *r, const struct net_framing *rules, size_t to, bool ended,
			 struct framed_list *l)
{
	static uint8_t rest[CAPACITY];
	size_t from = 0;
	const char *why = NULL;
	for (bool more = true; more && !why;) {
		struct batch *b = batch_new(&r->home, r->buffer);
		assert(b);
		from = net_framer_fill(&r->framer, rules, b, from, to, ended, NULL, &why);
		memcpy(rest, r->buffer->bytes + from, to - from);
		if (!b->unterminated)
			net_framing_part(rules, b, from);
		if (b->count > 0)
			check_delimited(b);
		framed_list_add_batch(l, b);
		memcpy(r->buffer->bytes + from, rest, to - from);
		more = b->unterminated;
		batch_free(&b);
	}
	l->refused = why != NULL;
	memmove(r->buffer->bytes, r->buffer->bytes + from, to - from);
	r->held = to - from;
	assert(why || r->held <= net_framing_left_max(rules->lines.max_line));
}

static void frame_in_pieces(struct framed_list *l, const struct net_framing *rules, size_t piece,
			    const uint8_t *bytes, size_t length)
{
	struct reading r = {.held = 0};
	if (home_init(&r.home, &(struct home_size){
				   .buffers = 1, .buffer_capacity = CAPACITY, .batches = 2}) < 0)
		abort();
	r.buffer = home_take_buffer(&r.home);
	net_framer_init(&r.framer);
	while (length > 0 && !l->refused) {
		size_t n = piece < length ? piece : length;
		assert(r.held + n < CAPACITY);
		uint8_t *fresh = r.buffer->bytes + r.held;
		memcpy(fresh, bytes, n);
		bytes += n;
		length -= n;
		size_t before = l->length;
		bool starved =
		    net_framer_is_starved(&r.framer, rules, r.buffer->bytes, r.held, fresh, n);
		if (starved && length > 0) {
			r.held += n;
			continue;
		}
		take_records(&r, rules, r.held + n, length == 0, l);
		assert(!starved || length == 0 || before == l->length);
	}
	buffer_let_go(r.buffer);
	home_release(&r.home);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const unsigned lengths[] = {1, 2, 4};
	static struct framed_list wanted, got;
	static struct stage_counters counters;
	if (length < HEAD || length > INPUT_MAX)
		return 0;
	struct net_framing rules = {.method = (enum net_method)(bytes[0] % 5),
				    .length_bytes = lengths[bytes[3] % 3],
				    .little_endian = bytes[3] >> 7,
				    .lines = {.max_line = (size_t)bytes[1] * 4 + 1,
					      .on_long_line = (enum long_line)(bytes[3] / 3 % 3),
					      .delimiter = {.bytes = "\n", .length = 1},
					      .counters = &counters}};
	if (rules.method == NET_NUL)
		rules.lines.delimiter.bytes[0] = 0;
	wanted.length = got.length = 0;
	wanted.refused = got.refused = false;
	frame_plainly(&wanted, &rules, bytes + HEAD, length - HEAD);
	frame_in_pieces(&got, &rules, (size_t)bytes[2] + 1, bytes + HEAD, length - HEAD);
	framed_list_assert_same(&wanted, &got);
	return 0;
}
