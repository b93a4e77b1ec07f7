/* fuzz_multiline.c - any lines, joined by any rules, read in pieces of any size: the records are those that whole lines make, one after
 * the other, and what they are made of lies in the input in that order.
 *
 *   byte 0: which rules; 1: max_lines; 2: max_bytes; 3: max_line; 4: on_long_line; 5: bytes a read; the rest: the input
 *
 * Layer: tests, libFuzzer. */
#include "stages/framer.h"
#include "stages/home.h"
#include "stages/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { HEAD = 6, INPUT_MAX = 4096, READ = 512 };

/* Records, each behind its length. */
struct list {
	uint8_t bytes[INPUT_MAX * 6];
	size_t length;
};

static void add(struct list *l, const uint8_t *bytes, size_t length)
{
	uint32_t n = (uint32_t)length;
	assert(l->length + length + sizeof n <= sizeof l->bytes);
	memcpy(l->bytes + l->length, &n, sizeof n);
	if (length > 0)
		memcpy(l->bytes + l->length + sizeof n, bytes, length);
	l->length += length + sizeof n;
}

/* ---- whole lines ---- */

struct plain {
	const struct framing *rules;
	struct list *list;
	struct multiline_open open;
	const uint8_t *from;
	size_t length; /* of what is open */
};

static void close_record(struct plain *p)
{
	if (p->open.lines > 0)
		add(p->list, p->from, p->length);
	p->open = (struct multiline_open){0};
}

static void add_long_line(struct plain *p, const uint8_t *line, size_t length)
{
	size_t most = p->rules->max_line;
	close_record(p);
	if (p->rules->on_long_line == LONG_LINE_TRUNCATE)
		add(p->list, line, most);
	else if (p->rules->on_long_line == LONG_LINE_SPLIT)
		for (; length > 0; length -= length < most ? length : most, line += most)
			add(p->list, line, length < most ? length : most);
}

static void add_line(struct plain *p, const uint8_t *line, size_t length)
{
	bool was_open = p->open.lines > 0;
	size_t joined = was_open ? (size_t)(line + length - p->from) : length;
	unsigned does = multiline_next(p->rules->multiline, &p->open, line, length, joined);
	if (does & LINE_BEGINS) {
		if (was_open)
			add(p->list, p->from, p->length);
		p->from = line;
		p->length = length;
	} else {
		p->length = joined;
	}
	if (does & LINE_ENDS)
		add(p->list, p->from, p->length);
}

static void frame_plainly(struct list *l, const struct framing *rules, const uint8_t *bytes,
			  size_t length)
{
	struct plain p = {.rules = rules, .list = l};
	while (length > 0) {
		const uint8_t *end = memchr(bytes, '\n', length);
		size_t line = end ? (size_t)(end - bytes) : length;
		if (line > rules->max_line)
			add_long_line(&p, bytes, line);
		else
			add_line(&p, bytes, line);
		line += end ? 1 : 0;
		bytes += line;
		length -= line;
	}
	close_record(&p);
}

/* ---- in pieces ---- */

struct reading {
	struct home home;
	struct intake intake;
	struct framer framer;
};

static void take_records(struct reading *r, bool ended, struct list *l)
{
	struct batch *b;
	size_t consumed;
	while (intake_frame(&r->intake, &r->framer, ended, &b, &consumed) > 0) {
		for (uint32_t i = 0; i < b->count; i++)
			add(l, b->bytes + b->records[i].offset, b->records[i].length);
		batch_free(&b);
	}
}

static void frame_in_pieces(struct list *l, const struct framing *rules, size_t piece,
			    const uint8_t *bytes, size_t length)
{
	struct reading r;
	size_t stays = rules->max_line + DELIMITER_MAX +
		       multiline_record_max(rules->multiline->options, rules->max_line);
	struct home_size size = {
	    .buffers = 2, .buffer_capacity = intake_capacity(stays, READ), .batches = 2};
	if (home_init(&r.home, &size) < 0)
		abort();
	intake_init(&r.intake, &r.home, rules, READ);
	framer_init(&r.framer);
	while (length > 0) {
		uint8_t *to;
		size_t room, n = piece < length ? piece : length;
		if (intake_room(&r.intake, &to, &room) < 0)
			abort();
		n = n < room ? n : room;
		memcpy(to, bytes, n);
		intake_add(&r.intake, n, 1, 2);
		bytes += n;
		length -= n;
		take_records(&r, false, l);
	}
	take_records(&r, true, l);
	assert(intake_pending(&r.intake) == 0);
	intake_release(&r.intake);
	home_release(&r.home);
}

static struct text text_of(const char *s)
{
	return (struct text){.bytes = s, .length = s ? strlen(s) : 0};
}

static struct multiline_options options_of(const uint8_t *bytes)
{
	unsigned which = bytes[0] % 11;
	struct multiline_options o = {.max_lines = bytes[1] % 20 + 2u,
				      .max_bytes = bytes[2] * 4u + 1};
	if (which < 4) {
		o.preset = which + MULTILINE_JAVA;
		return o;
	}
	unsigned patterns = which - 3; /* of three, at least one */
	o.start = text_of(patterns & 1 ? "^S" : NULL);
	o.goes_on = text_of(patterns & 2 ? "^ " : NULL);
	o.end = text_of(patterns & 4 ? "E$" : NULL);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct list wanted, got;
	static struct stage_counters counters;
	if (length < HEAD || length > INPUT_MAX)
		return 0;
	struct multiline multiline;
	struct multiline_options options = options_of(bytes);
	struct framing rules = {.delimiter = {{'\n'}, 1},
				.max_line = (size_t)bytes[3] * 2 + 1,
				.on_long_line = (enum long_line)(bytes[4] % 3),
				.counters = &counters,
				.multiline = &multiline};
	counter_set(&counters.lost[LOSS_MULTILINE_CUT], 1); /* so that nothing is said */
	if (multiline_init(&multiline, &options, NULL, &counters) < 0)
		abort();
	wanted.length = got.length = 0;
	frame_plainly(&wanted, &rules, bytes + HEAD, length - HEAD);
	frame_in_pieces(&got, &rules, (size_t)bytes[5] + 1, bytes + HEAD, length - HEAD);
	multiline_release(&multiline);
	assert(wanted.length == got.length);
	assert(memcmp(wanted.bytes, got.bytes, got.length) == 0);
	return 0;
}
