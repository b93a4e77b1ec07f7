#include "stages/encode/logfmt_text.h"
#include "stages/encode/json_value.h"
#include "stages/json/json_space.h"
#include "stages/json/json_text.h"
#include "stages/text/text_span.h"

#include <assert.h>

/* Over text that is known to be right. */
struct walk {
	const uint8_t *at, *end;
	struct writer *w;
	struct scratch scratch;
	bool follows;                             /* there is a pair before the next */
	struct text_span names[LOGFMT_DEPTH_MAX]; /* of the objects that it is in, and its own */
};

static void skip_space(struct walk *k)
{
	while (k->at < k->end && json_is_space(*k->at))
		k->at++;
}

/* Past a string's last quote. */
static void skip_string(struct walk *k)
{
	for (k->at++; k->at < k->end && *k->at != '"'; k->at++)
		k->at += *k->at == '\\';
	k->at = k->at < k->end ? k->at + 1 : k->end;
}

/* Past an object or array. */
static void skip_nested(struct walk *k)
{
	size_t depth = 0;
	do {
		uint8_t c = *k->at;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		if (c == '"')
			skip_string(k);
		else
			k->at++;
	} while (depth > 0 && k->at < k->end);
}

static void skip_word(struct walk *k)
{
	static const char ends[] = {',', '}', ']', ' ', '\t', '\n', '\r'};
	while (k->at < k->end && !memchr(ends, *k->at, sizeof ends))
		k->at++;
}

/* ---- keys ---- */

static bool is_replacement(const uint8_t *at, const uint8_t *end)
{
	return end - at >= 3 && memcmp(at, "\xef\xbf\xbd", 3) == 0;
}

static void put_name(struct writer *w, const struct text_span *name)
{
	const uint8_t *end = name->bytes + name->length;
	if (name->length == 0)
		writer_put_byte(w, '_');
	for (const uint8_t *at = name->bytes; at < end; at++) {
		bool is_unknown = is_replacement(at, end);
		bool is_wrong = *at <= ' ' || *at == '=' || *at == '"' || *at == 0x7f || is_unknown;
		writer_put_byte(w, is_wrong ? '_' : *at);
		at += is_unknown ? 2 : 0;
	}
}

static void put_key(struct walk *k, size_t depth)
{
	if (k->follows)
		writer_put_byte(k->w, ' ');
	k->follows = true;
	for (size_t i = 0; i <= depth; i++) {
		if (i > 0)
			writer_put_byte(k->w, '.');
		put_name(k->w, &k->names[i]);
	}
	writer_put_byte(k->w, '=');
}

/* Takes the name of a member, and the colon. False: there is no room for it. */
static bool take_name(struct walk *k, size_t depth)
{
	const uint8_t *from = k->at + 1;
	skip_string(k);
	struct text_span text = text_span(from, k->at - 1);
	struct value name = {.bytes = text.bytes,
			     .length = text.length,
			     .type = VALUE_STRING,
			     .form = VALUE_ESCAPED};
	if (memchr(text.bytes, '\\', text.length) && json_decode_string(&name, &k->scratch) < 0)
		return false;
	k->names[depth] = (struct text_span){name.bytes, name.length};
	skip_space(k);
	k->at++;
	skip_space(k);
	return true;
}

/* ---- values ---- */

static bool wants_quotes(const uint8_t *text, const uint8_t *end)
{
	if (text == end || (end - text == 4 && memcmp(text, "null", 4) == 0))
		return true;
	for (; text < end; text++)
		if (*text <= ' ' || *text == '=' || *text == '"' || *text == '\\' ||
		    *text == 0x7f || is_replacement(text, end))
			return true;
	return false;
}

/* A string, with its quotes. */
static void put_string(struct walk *k, const uint8_t *from, const uint8_t *to)
{
	bool quoted = wants_quotes(from + 1, to - 1);
	writer_put(k->w, quoted ? from : from + 1, (size_t)(to - from) - (quoted ? 0 : 2));
}

static void put_json(struct walk *k, const uint8_t *from, const uint8_t *to)
{
	if (wants_quotes(from, to))
		json_put_string(k->w, from, (size_t)(to - from));
	else
		writer_put(k->w, from, (size_t)(to - from));
}

static void put_scalar(struct walk *k, size_t depth)
{
	const uint8_t *from = k->at;
	put_key(k, depth);
	if (*from == '"') {
		skip_string(k);
		put_string(k, from, k->at);
	} else if (*from == '{' || *from == '[') {
		skip_nested(k);
		put_json(k, from, k->at);
	} else {
		skip_word(k);
		writer_put(k->w, from, (size_t)(k->at - from));
	}
}

static void put_members(struct walk *k, size_t depth);

/* An object that holds anything, and may be taken apart. */
static bool is_taken_apart(const struct walk *k, size_t depth)
{
	const uint8_t *at = k->at + 1;
	if (*k->at != '{' || depth + 1 == LOGFMT_DEPTH_MAX)
		return false;
	while (at < k->end && json_is_space(*at))
		at++;
	return at < k->end && *at != '}';
}

static void put_member(struct walk *k, size_t depth)
{
	if (!take_name(k, depth))
		k->w->is_full = true;
	else if (is_taken_apart(k, depth))
		put_members(k, depth + 1);
	else
		put_scalar(k, depth);
}

/* From the brace to past the other one. Objects lie no deeper within each other than names do. */
static void put_members(struct walk *k, size_t depth) // NOLINT(misc-no-recursion)
{
	assert(depth < LOGFMT_DEPTH_MAX);
	for (k->at++; k->at < k->end && !k->w->is_full; k->at++) {
		skip_space(k);
		if (*k->at == '}')
			break;
		uint8_t *before = k->scratch.at;
		put_member(k, depth);
		k->scratch.at = before;
		skip_space(k);
		if (k->at == k->end || *k->at == '}')
			break;
	}
	k->at += k->at < k->end;
}

void logfmt_put_object(struct writer *w, const uint8_t *json, size_t length, struct scratch scratch)
{
	struct walk k = {.at = json, .end = json + length, .w = w, .scratch = scratch};
	skip_space(&k);
	put_members(&k, 0);
}
