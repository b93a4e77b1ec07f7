/* fuzz_encodings.c - any bytes as the fields of a record: written as logfmt, as CSV and by a template, the scanners of stages/text read
 * the same fields again; and what is written is one line. Any JSON object as logfmt is logfmt.
 *
 *   byte 0, 1: where the second and the third field begin
 *
 * Layer: tests, libFuzzer. */
#include "stages/encode/encode_format.h"
#include "stages/encode/logfmt_text.h"
#include "stages/home.h"
#include "stages/json/json_scan.h"
#include "stages/json/json_text.h"
#include "stages/json/json_utf8.h"
#include "stages/text/csv_scan.h"
#include "stages/text/logfmt_scan.h"
#include "tests/fuzz/fuzz_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { FIELDS = 3, INPUT_MAX = 1 << 12, ROOM = 1 << 20 };

static struct text names[FIELDS] = {
    {.bytes = "a", .length = 1}, {.bytes = "b", .length = 1}, {.bytes = "c", .length = 1}};
static struct encoding_options options = {
    .fields = {.items = names, .count = FIELDS},
    .separator = {.bytes = ",", .length = 1},
    .missing = {.bytes = "-", .length = 1},
    .template = {.bytes = "{a}\t{b}\t{c}", .length = 11},
};
static struct fields fields;
static struct field_uses uses = {.fields = &fields, .object = -1};
static struct stage stage = {.options = &options, .fields = &fields};
static struct home home;
static struct json_plan nothing;
static uint8_t written[ROOM], aside[ROOM], meant[ROOM];

static void set_up(void)
{
	const struct home_size size = {
	    .buffers = 1, .buffer_capacity = INPUT_MAX, .batches = 1, .columns = FIELDS};
	if (fields.count > 0)
		return;
	for (size_t i = 0; i < FIELDS; i++)
		fields_read(&uses, names[i].bytes, names[i].length);
	if (home_init(&home, &size) < 0 || json_plan_init(&nothing, JSON_DEPTH_MAX) < 0)
		abort();
}

static struct batch *batch_of(const uint8_t *bytes, size_t length, const size_t ends[FIELDS])
{
	struct buffer *buffer = home_take_buffer(&home);
	struct batch *b = batch_new(&home, buffer);
	assert(b);
	memcpy(buffer->bytes, bytes, length);
	buffer_let_go(buffer);
	b->records[0] = (struct record){0, (uint32_t)length};
	b->count = 1;
	batch_give_rows(b);
	for (size_t i = 0; i < FIELDS; i++) {
		size_t from = i ? ends[i - 1] : 0;
		*batch_column(b, (unsigned)i) = (struct value){.bytes = b->bytes + from,
							       .length = (uint32_t)(ends[i] - from),
							       .type = VALUE_STRING};
	}
	return b;
}

static struct text_span encode(const struct encode_format *format, struct batch *b)
{
	struct writer w = {written, written + ROOM, false};
	void *state;
	if (format->open(&stage, &state) < 0)
		abort();
	format->begin(state, &stage, b);
	const char *why =
	    format->put(state, b, 0, &w, (struct scratch){aside, aside + sizeof aside});
	assert(!why && !w.is_full);
	format->close(state);
	for (const uint8_t *at = written; at < w.at; at++)
		assert(*at >= ' ' || *at == '\t');
	assert(utf8_valid_prefix(written, (size_t)(w.at - written)) == (size_t)(w.at - written));
	return text_span(written, w.at);
}

/* What CSV and logfmt can have of it; blank: control characters are spaces. */
static struct text_span meaning(struct text_span raw, bool blank)
{
	uint8_t *to = meant;
	for (const uint8_t *at = raw.bytes, *end = at + raw.length; at < end;) {
		struct utf8_character c = utf8_character(at, (size_t)(end - at));
		bool is_control = (*at < ' ' && *at != '\t') || *at == 0x7f;
		memcpy(to, c.valid ? at : (const uint8_t *)"\xef\xbf\xbd", c.valid ? c.length : 3);
		if (blank && is_control)
			*to = ' ';
		to += c.valid ? c.length : 3;
		at += c.length;
	}
	return text_span(meant, to);
}

static struct text_span raw_of(const struct batch *b, unsigned field)
{
	const struct value *v = batch_column_as_is(b, field);
	return (struct text_span){v->bytes, v->length};
}

static void try_logfmt(struct batch *b)
{
	struct text_span text = encode(&encode_logfmt, b);
	struct logfmt_scan s = logfmt_from(text.bytes, text.length);
	struct logfmt_pair pair;
	for (unsigned i = 0; i < FIELDS; i++) {
		int r = logfmt_next(&s, &pair);
		assert(r == 1 && pair.key.length == 1 && pair.key.bytes[0] == 'a' + i);
		struct scratch room = {aside, aside + sizeof aside};
		struct value v = {.bytes = pair.value.bytes,
				  .length = pair.value.length,
				  .type = VALUE_STRING,
				  .form = VALUE_ESCAPED};
		if (pair.escaped && json_decode_string(&v, &room) < 0)
			abort();
		struct text_span got = {v.bytes, v.length}, want = meaning(raw_of(b, i), false);
		assert(fuzzed_same(&got, &want));
	}
	assert(logfmt_next(&s, &pair) == 0);
}

static void try_csv(struct batch *b)
{
	struct text_span text = encode(&encode_csv, b);
	struct csv_scan s = csv_from(text.bytes, text.length, ',', true);
	struct csv_field field;
	for (unsigned i = 0; i < FIELDS; i++) {
		int r = csv_next(&s, &field);
		assert(r == 1);
		struct text_span got = field.text, want = meaning(raw_of(b, i), true);
		if (field.doubled)
			got = text_span(aside, aside + csv_undouble(aside, field.text));
		assert(fuzzed_same(&got, &want));
	}
	assert(csv_next(&s, &field) == 0);
}

static uint8_t unhex(uint8_t digit)
{
	return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Up to a tab or the end; where that is. */
static const uint8_t *unescape(const uint8_t *at, const uint8_t *end, struct text_span *ret_text)
{
	uint8_t *to = aside;
	for (; at < end && *at != '\t'; at++) {
		if (*at != '\\') {
			*to++ = *at;
			continue;
		}
		at++;
		if (*at == 'x')
			*to++ = (uint8_t)(unhex(at[1]) << 4 | unhex(at[2]));
		else
			*to++ = *at == 'n' ? '\n' : *at == 'r' ? '\r' : *at == 't' ? '\t' : '\\';
		at += *at == 'x' ? 2 : 0;
	}
	*ret_text = text_span(aside, to);
	return at;
}

static void try_template(struct batch *b)
{
	struct text_span text = encode(&encode_template, b);
	const uint8_t *at = text.bytes, *end = at + text.length;
	for (unsigned i = 0; i < FIELDS; i++) {
		struct text_span got, want = raw_of(b, i);
		at = unescape(at, end, &got);
		assert(fuzzed_same(&got, &want));
		assert(i + 1 == FIELDS ? at == end : at < end && *at == '\t');
		at++;
	}
}

static void try_object(const uint8_t *json, size_t length)
{
	struct json_mistake mistake;
	struct writer w = {written, written + ROOM, false};
	struct value none;
	uint8_t *copy = fuzzed_copy(json, length);
	struct logfmt_pair pair;
	if (json_scan(&nothing, copy, (uint32_t)length, &none, NULL, &mistake) == 0) {
		logfmt_put_object(&w, copy, length, (struct scratch){aside, aside + sizeof aside});
		assert(!w.is_full);
		struct logfmt_scan s = logfmt_from(written, (size_t)(w.at - written));
		while (logfmt_next(&s, &pair) > 0)
			assert(pair.value.bytes);
		assert(!s.why);
		for (const uint8_t *at = written; at < w.at; at++)
			assert(*at >= ' ');
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	set_up();
	try_object(bytes, length < INPUT_MAX ? length : INPUT_MAX);
	if (length < 2 || length > INPUT_MAX)
		return 0;
	size_t first = bytes[0], second = first + bytes[1];
	length -= 2;
	const size_t ends[FIELDS] = {first < length ? first : length,
				     second < length ? second : length, length};
	struct batch *b = batch_of(bytes + 2, length, ends);
	try_logfmt(b);
	try_csv(b);
	try_template(b);
	batch_free(&b);
	return 0;
}
