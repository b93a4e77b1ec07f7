/* fuzz_json_lines.c - any bytes as JSON that comes in pieces: however they are cut, the same comes of them; every line is one value as
 * another parser reads it; what that one takes is not refused.
 *
 * Layer: tests, libFuzzer, jansson. */
#include "stages/json/json_lines.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 4096, ROOM = INPUT_MAX * 2 };

struct outcome {
	uint8_t text[ROOM];
	size_t length;
	uint64_t lines, offset;
	int result;
	bool too_deep;
};

/* Pieces and rooms as the seed says. */
static void run(struct outcome *o, const uint8_t *bytes, size_t length, unsigned seed)
{
	struct json_lines j;
	size_t made = 0, at = 0;
	o->length = 0;
	o->result = 0;
	json_lines_init(&j);
	while (at < length && o->result >= 0) {
		seed = seed * 1664525u + 1013904223u;
		size_t piece = 1 + (seed >> 8) % 64, room = JSON_LINES_ROOM + (seed >> 16) % 64;
		piece = piece < length - at ? piece : length - at;
		uint8_t *copy = malloc(piece), *to = malloc(room);
		assert(copy && to);
		memcpy(copy, bytes + at, piece);
		ptrdiff_t n = json_lines_take(&j, copy, piece, to, room, &made);
		assert(made <= room && n <= (ptrdiff_t)piece && n != 0);
		assert(o->length + made + 1 <= ROOM);
		memcpy(o->text + o->length, to, made);
		o->length += made;
		at += n > 0 ? (size_t)n : 0;
		o->result = n < 0 ? (int)n : 0;
		free(copy);
		free(to);
	}
	if (o->result == 0) {
		o->result = json_lines_end(&j, o->text + o->length, &made);
		o->length += made;
	}
	o->lines = j.lines;
	o->offset = j.offset;
	assert(o->result == 0 || (o->result == -EBADMSG && j.why && *j.why));
	o->too_deep = o->result < 0 && strcmp(j.why, "nested too deeply") == 0;
}

static json_t *parse(const uint8_t *bytes, size_t length)
{
	return json_loadb((const char *)bytes, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

/* Strings may hold bytes that are no UTF-8, and numbers be too large, which the other parser takes exception to; a NUL it
 * takes for whitespace here and there. */
static void check_lines(const struct outcome *o, const json_t *whole)
{
	const uint8_t *at = o->text, *end = o->text + o->length;
	uint64_t lines = 0;
	for (; at < end; lines++) {
		const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
		assert(newline && newline > at);
		json_t *value = whole ? parse(at, (size_t)(newline - at)) : NULL;
		assert(!whole || value);
		assert(!json_is_array(whole) || json_equal(value, json_array_get(whole, lines)));
		json_decref(value);
		at = newline + 1;
	}
	assert(lines == o->lines);
	assert(!whole || lines == (json_is_array(whole) ? json_array_size(whole) : 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct outcome one, other;
	if (length > INPUT_MAX)
		return 0;
	run(&one, bytes, length, 1);
	run(&other, bytes, length, (unsigned)length + 7);
	assert(one.result == other.result && one.offset == other.offset);
	json_t *whole = memchr(bytes, 0, length) ? NULL : parse(bytes, length);
	if (one.result == 0) {
		assert(one.length == other.length && memcmp(one.text, other.text, one.length) == 0);
		check_lines(&one, whole);
	}
	assert(!whole || one.result == 0 || one.too_deep);
	json_decref(whole);
	return 0;
}
