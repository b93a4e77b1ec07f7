/* fuzz_json.c - any bytes, as a record of JSON: accepted, and read, as jansson does; by every instruction set, and by
 * shapes once they know it.
 *
 * Where jansson is not RFC 8259 it is brought to it, so that the comparison holds for every document:
 *   a number no double holds     jansson: error. It has read its last digit by then: a smaller one is put in its place
 *   \u0000 in a name             jansson: error. Becomes \u0001, which is refused or accepted as it would be
 *   integers past 64 bits        JSON_DECODE_INT_AS_REAL; then once more without it, for their exact values
 *   a byte 0                     jansson: skipped behind a number. No text of JSON has one: it must be refused
 *   depth past 2048              ours ends at 1024: what it calls too deep is counted instead
 *
 * Layer: tests, libFuzzer, jansson. */
#include "stages/json/json_blocks.h"
#include "stages/json/json_number.h"
#include "stages/json/json_scan.h"
#include "stages/json/json_shapes.h"
#include "stages/json/json_text.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { INPUT_MAX = 1 << 16, PATH_MAX_NAMES = 3, MEMBERS_MAX = 4096 };

static const char *const paths[][PATH_MAX_NAMES] = {
    {"a"},          {"b"},        {"a", "a"}, {"a", "b"}, {"a", "b", "a"}, {"status"},
    {"user", "id"}, {"\xc3\xa9"}, {""},       {"a", ""},  {"abcdefgh"},    {"abcdefghi"},
};

enum { PATHS = sizeof paths / sizeof *paths };

static struct json_plan plan;
static struct json_member member_room[MEMBERS_MAX];

/* What one instruction set says of a document. */
struct outcome {
	int r;
	struct value values[PATHS];
	struct json_members members;
	struct json_mistake mistake;
};

static size_t path_names(size_t path)
{
	size_t n = 1;
	while (n < PATH_MAX_NAMES && paths[path][n])
		n++;
	return n;
}

static void make_plan(void)
{
	if (plan.nodes)
		return;
	if (json_plan_init(&plan, JSON_DEPTH_MAX) < 0)
		abort();
	for (size_t i = 0; i < PATHS; i++) {
		struct json_name names[PATH_MAX_NAMES];
		for (size_t n = 0; n < path_names(i); n++)
			names[n] =
			    (struct json_name){(const uint8_t *)paths[i][n], strlen(paths[i][n])};
		if (json_plan_want(&plan, names, path_names(i), (uint16_t)i) < 0)
			abort();
	}
}

static void scan(struct outcome *o, const uint8_t *bytes, size_t length)
{
	memset(o, 0, sizeof *o);
	o->members = (struct json_members){.at = member_room, .room = MEMBERS_MAX, .all = true};
	o->r = json_scan(&plan, bytes, (uint32_t)length, o->values, &o->members, &o->mistake);
}

static bool same_value(const struct value *a, const struct value *b)
{
	if (a->type != b->type || a->form != b->form || a->length != b->length)
		return false;
	if (a->type == VALUE_BOOL)
		return a->b == b->b;
	return a->type == VALUE_MISSING || a->type == VALUE_NULL || a->bytes == b->bytes;
}

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
	bool same =
	    a->r == b->r && a->mistake.why == b->mistake.why && a->mistake.at == b->mistake.at;
	same = same && a->members.count == b->members.count;
	for (size_t i = 0; same && i < PATHS; i++)
		same = same_value(&a->values[i], &b->values[i]);
	return same;
}

/* Every instruction set says the same; the machine's own is the last. */
static void scan_each(struct outcome *o, const uint8_t *bytes, size_t length)
{
	const struct json_kernels *chosen = json_kernels;
	struct outcome other;
	scan(o, bytes, length);
	for (const struct json_kernels *k = json_kernels_all; k->name; k++) {
		if (!k->supported())
			continue;
		json_kernels = k;
		scan(&other, bytes, length);
		assert(same_outcome(&other, o));
	}
	json_kernels = chosen;
}

/* --- shapes --- */

static void scan_shaped(struct json_shapes *shapes, const uint8_t *bytes, size_t length)
{
	struct outcome got, wanted;
	memset(&got, 0, sizeof got);
	memset(&wanted, 0, sizeof wanted);
	wanted.r = json_scan(&plan, bytes, (uint32_t)length, wanted.values, NULL, &wanted.mistake);
	got.r = json_shapes_scan(shapes, bytes, (uint32_t)length, got.values, NULL, &got.mistake);
	assert(same_outcome(&got, &wanted));
}

/* Once it is known, the same document with each of a few bytes changed, which may be a string's, a digit, or the grammar's. */
static void compare_shapes(const uint8_t *bytes, size_t length)
{
	static const char with[] = "\"\\0:.,}";
	struct json_shapes shapes;
	uint8_t *copy = malloc(length + 1);
	if (!copy || json_shapes_init(&shapes, &plan) < 0)
		abort();
	memcpy(copy, bytes, length);
	scan_shaped(&shapes, copy, length);
	scan_shaped(&shapes, copy, length);
	for (size_t i = 0; length > 0 && i < sizeof with; i++) {
		const size_t at = (bytes[i % length] * 31 + i * 7919) % length;
		copy[at] = (uint8_t)with[i];
		scan_shaped(&shapes, copy, length);
		copy[at] = bytes[at];
	}
	json_shapes_release(&shapes);
	free(copy);
}

/* --- jansson, brought to RFC 8259 --- */

static size_t digits_before(const char *text, size_t end, const char *digits)
{
	while (end > 0 && text[end - 1] && strchr(digits, text[end - 1]))
		end--;
	return end;
}

/* Of the number that ends at `end` the exponent becomes 0; when it is, or there is none, all behind the sign becomes 1. What
 * stands before it may be a number too, which is then followed by this one. */
static void shrink_number(char *text, size_t end)
{
	size_t from = digits_before(text, end, "0123456789");
	size_t e = from > 0 && strchr("+-", text[from - 1]) ? from - 1 : from;
	bool exponent = e > 0 && strchr("eE", text[e - 1]);
	assert(from < end);
	if (exponent && digits_before(text, end, "0") > from) {
		memset(text + from, '0', end - from);
		return;
	}
	from = digits_before(text, exponent ? e - 1 : end, "0123456789.");
	memset(text + from, ' ', end - from);
	text[from] = '1';
}

/* Every \u0000 at or before `end` becomes \u0001. */
static void replace_nulls(char *text, size_t length, size_t end)
{
	bool any = false;
	for (size_t i = 0; i < end && i + 6 <= length; i++) {
		if (memcmp(text + i, "\\u0000", 6) == 0) {
			text[i + 5] = '1';
			any = true;
		}
	}
	assert(any);
}

/* text is changed as the list above says; *ret_changed when names may be. */
static json_t *load(char *text, size_t length, size_t flags, bool *ret_changed)
{
	for (;;) {
		json_error_t error;
		json_t *root = json_loadb(text, length, flags | JSON_ALLOW_NUL, &error);
		if (root)
			return root;
		enum json_error_code code = json_error_code(&error);
		if (code == json_error_numeric_overflow) {
			shrink_number(text, (size_t)error.position);
		} else if (code == json_error_null_byte_in_key) {
			replace_nulls(text, length, (size_t)error.position);
			*ret_changed = true;
		} else {
			return NULL;
		}
	}
}

/* --- values --- */

static json_t *follow(json_t *root, size_t path)
{
	for (size_t n = 0; root && n < path_names(path); n++)
		root = json_object_get(root, paths[path][n]);
	return root;
}

static void compare_string(struct value v, const json_t *want)
{
	static uint8_t room[INPUT_MAX];
	struct scratch s = {room, room + INPUT_MAX};
	if (v.form == VALUE_ESCAPED && json_decode_string(&v, &s) < 0)
		abort();
	assert(json_is_string(want) && v.length == json_string_length(want));
	assert(memcmp(v.bytes, json_string_value(want), v.length) == 0);
}

static void compare_real(struct value v, const json_t *want)
{
	int r = json_decode_number(&v);
	double got = v.type == VALUE_INT ? (double)v.i : v.type == VALUE_UINT ? (double)v.u : v.d;
	assert(r == 0 && json_is_real(want) && got == json_real_value(want));
}

static void compare_raw(const struct value *v, const json_t *want)
{
	/* of the text as it was given to jansson */
	json_t *got = json_loadb((const char *)v->bytes, v->length,
				 JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
	assert(got && json_equal(got, want));
	json_decref(got);
}

static void compare_value(const struct value *v, const json_t *want)
{
	switch ((enum value_type)v->type) {
	case VALUE_MISSING:
		assert(!want);
		break;
	case VALUE_NULL:
		assert(json_is_null(want));
		break;
	case VALUE_BOOL:
		assert(json_is_boolean(want) && v->b == json_is_true(want));
		break;
	case VALUE_STRING:
		compare_string(*v, want);
		break;
	case VALUE_LIST:
	case VALUE_MAP:
		assert(v->type == VALUE_LIST ? json_is_array(want) : json_is_object(want));
		compare_raw(v, want);
		break;
	default:
		assert(v->form == VALUE_DIGITS);
		compare_real(*v, want);
	}
}

/* Integers that are ones for both. Without the flag jansson refuses those it cannot hold, and they become 1. */
static void compare_integers(const struct outcome *o, char *text, size_t length)
{
	bool changed = false;
	json_t *root = load(text, length, 0, &changed);
	assert(root);
	for (size_t i = 0; i < PATHS; i++) {
		struct value v = o->values[i];
		const json_t *want = follow(root, i);
		if (v.type == VALUE_INT && v.form == VALUE_DIGITS) {
			if (json_decode_number(&v) < 0)
				abort();
			assert(json_is_integer(want) && json_integer_value(want) == v.i);
		} else if (v.type == VALUE_UINT) {
			assert(json_is_integer(want) && json_integer_value(want) == 1);
		}
	}
	json_decref(root);
}

static void compare_members(const struct outcome *o, const json_t *root, const uint8_t *bytes)
{
	static uint8_t room[INPUT_MAX];
	const struct json_members *m = &o->members;
	assert(bytes[m->open] == '{' && bytes[m->close] == '}');
	assert(m->count >= json_object_size(root));
	for (uint32_t i = 0; i < m->count; i++) {
		struct value name = m->at[i].name;
		struct scratch s = {room, room + INPUT_MAX};
		if (name.form == VALUE_ESCAPED && json_decode_string(&name, &s) < 0)
			abort();
		assert(bytes[m->at[i].from] == '"' && m->at[i].from < m->at[i].to);
		assert(json_object_getn(root, (const char *)name.bytes, name.length));
	}
}

/* --- one document --- */

static bool is_object(const char *text, size_t length)
{
	size_t at = 0;
	while (at < length && text[at] && strchr(" \t\n\r", text[at]))
		at++;
	return at < length && text[at] == '{';
}

/* More than the limit are open at the mistake, strings left out, which the scanner has found to be in order up to there. */
static bool is_deep(const uint8_t *bytes, uint32_t at)
{
	unsigned depth = 0;
	bool string = false;
	for (uint32_t i = 0; i <= at; i++) {
		if (string && bytes[i] == '\\')
			i++;
		else if (bytes[i] == '"')
			string = !string;
		else if (!string && (bytes[i] == '{' || bytes[i] == '['))
			depth++;
		else if (!string && (bytes[i] == '}' || bytes[i] == ']'))
			depth--;
	}
	return depth == JSON_DEPTH_MAX + 1;
}

static void compare(const struct outcome *o, char *text, size_t length)
{
	bool changed = false;
	json_t *root = load(text, length, JSON_DECODE_INT_AS_REAL, &changed);
	assert((o->r == 0) == (root && json_is_object(root)));
	if (root && o->r == 0) {
		/* the text that jansson read has the same fields at the same places */
		struct outcome read;
		scan_each(&read, (const uint8_t *)text, length);
		assert(read.r == 0);
		for (size_t i = 0; i < PATHS; i++)
			compare_value(&read.values[i], follow(root, i));
		compare_members(&read, root, (const uint8_t *)text);
		compare_integers(&read, text, length);
	}
	json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct outcome o;
	if (length > INPUT_MAX)
		return 0;
	make_plan();
	scan_each(&o, bytes, length);
	compare_shapes(bytes, length);
	if (o.r < 0 && strcmp(o.mistake.why, "depth") == 0) {
		assert(is_deep(bytes, o.mistake.at));
		return 0;
	}
	if (o.r < 0 && strncmp(o.mistake.why, "more fields", 11) == 0) {
		assert(o.members.count == MEMBERS_MAX);
		return 0;
	}
	char *text = malloc(length + 1);
	if (!text)
		abort();
	memcpy(text, bytes, length);
	if (is_object(text, length) && !memchr(text, 0, length))
		compare(&o, text, length);
	else
		assert(o.r < 0);
	free(text);
	return 0;
}
