#include "stages/cel/cel_json.h"

#include "stages/cel/cel_number.h"
#include "stages/cel/cel_reasons.h"
#include "stages/cel/cel_utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct cel_json cel_json_begin(const struct value *container)
{
	struct cel_json j = {container->bytes, container->bytes + container->length, false};
	if (j.at < j.end)
		j.at++; /* its bracket */
	return j;
}

static void skip_space(struct cel_json *j)
{
	while (j->at < j->end &&
	       (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
		j->at++;
}

static bool at_byte(const struct cel_json *j, char byte)
{
	return j->at < j->end && *j->at == (uint8_t)byte;
}

/* From the opening quote to behind the closing one. */
static int read_string(struct cel_json *j, struct value *ret)
{
	const uint8_t *start = ++j->at;
	uint8_t form = VALUE_PLAIN;
	while (j->at < j->end && *j->at != '"') {
		if (*j->at == '\\') {
			form = VALUE_ESCAPED;
			j->at++;
		}
		if (j->at < j->end)
			j->at++;
	}
	if (j->at >= j->end)
		return -EINVAL;
	*ret = (struct value){.bytes = start,
			      .length = (uint32_t)(j->at - start),
			      .type = VALUE_STRING,
			      .form = form};
	j->at++;
	return 1;
}

/* From one bracket to behind the one that closes it: only the depth is counted, as the text has been checked. */
static int read_container(struct cel_json *j, struct value *ret)
{
	const uint8_t *start = j->at;
	uint64_t depth = 0;
	struct value string;
	while (j->at < j->end) {
		uint8_t c = *j->at;
		if (c == '"') {
			if (read_string(j, &string) < 0)
				return -EINVAL;
			continue;
		}
		j->at++;
		depth += c == '[' || c == '{';
		depth -= c == ']' || c == '}';
		if (depth == 0)
			break;
	}
	if (depth > 0)
		return -EINVAL;
	*ret = (struct value){.bytes = start,
			      .length = (uint32_t)(j->at - start),
			      .type = *start == '[' ? VALUE_LIST : VALUE_MAP};
	return 1;
}

static uint8_t type_of_number(const uint8_t *bytes, size_t length)
{
	int64_t i;
	uint64_t u;
	for (size_t k = 0; k < length; k++)
		if (bytes[k] == '.' || bytes[k] == 'e' || bytes[k] == 'E')
			return VALUE_DOUBLE;
	if (cel_int_parse((const char *)bytes, length, 10, &i) == 0)
		return VALUE_INT;
	return cel_uint_parse((const char *)bytes, length, 10, &u) == 0 ? VALUE_UINT : VALUE_DOUBLE;
}

static int read_number(struct cel_json *j, struct value *ret)
{
	const uint8_t *start = j->at;
	while (j->at < j->end && *j->at && strchr("+-.eE0123456789", *j->at))
		j->at++;
	size_t length = (size_t)(j->at - start);
	if (length == 0)
		return -EINVAL;
	*ret = (struct value){.bytes = start,
			      .length = (uint32_t)length,
			      .type = type_of_number(start, length),
			      .form = VALUE_DIGITS};
	return 1;
}

static int read_word(struct cel_json *j, const char *word, struct value is, struct value *ret)
{
	size_t length = strlen(word);
	if ((size_t)(j->end - j->at) < length || memcmp(j->at, word, length) != 0)
		return -EINVAL;
	j->at += length;
	*ret = is;
	return 1;
}

static int read_value(struct cel_json *j, struct value *ret)
{
	if (j->at >= j->end)
		return -EINVAL;
	switch (*j->at) {
	case '"':
		return read_string(j, ret);
	case '[':
	case '{':
		return read_container(j, ret);
	case 't':
		return read_word(j, "true", (struct value){.b = true, .type = VALUE_BOOL}, ret);
	case 'f':
		return read_word(j, "false", (struct value){.type = VALUE_BOOL}, ret);
	case 'n':
		return read_word(j, "null", (struct value){.type = VALUE_NULL}, ret);
	default:
		return read_number(j, ret);
	}
}

/* To the next value or name. 1, 0 at the closing bracket, -EINVAL. */
static int approach(struct cel_json *j, char closing)
{
	skip_space(j);
	if (at_byte(j, closing))
		return 0;
	if (j->started) {
		if (!at_byte(j, ','))
			return -EINVAL;
		j->at++;
		skip_space(j);
	}
	j->started = true;
	return 1;
}

int cel_json_element(struct cel_json *j, struct value *ret_value)
{
	int r = approach(j, ']');
	return r > 0 ? read_value(j, ret_value) : r;
}

int cel_json_member(struct cel_json *j, struct value *ret_name, struct value *ret_value)
{
	int r = approach(j, '}');
	if (r <= 0)
		return r;
	if (!at_byte(j, '"') || read_string(j, ret_name) < 0)
		return -EINVAL;
	skip_space(j);
	if (!at_byte(j, ':'))
		return -EINVAL;
	j->at++;
	skip_space(j);
	return read_value(j, ret_value);
}

/* ---- decoding ---- */

static int32_t hex4(const uint8_t *at, const uint8_t *end)
{
	uint64_t u;
	if (end - at < 4 || cel_uint_parse((const char *)at, 4, 16, &u) < 0)
		return -1;
	return (int32_t)u;
}

/* `at` is behind `\u`; a surrogate brings its other half. How many bytes were read, 0 on error. */
static size_t read_unicode(const uint8_t *at, const uint8_t *end, uint32_t *ret)
{
	int32_t unit = hex4(at, end);
	if (unit < 0)
		return 0;
	*ret = (uint32_t)unit;
	if ((unit & 0xfc00) != 0xd800)
		return 4;
	if (end - at < 10 || at[4] != '\\' || at[5] != 'u')
		return 0;
	int32_t low = hex4(at + 6, end);
	if (low < 0 || (low & 0xfc00) != 0xdc00)
		return 0;
	*ret = 0x10000 + (((uint32_t)unit & 0x3ff) << 10) + ((uint32_t)low & 0x3ff);
	return 10;
}

static char plain_escape(uint8_t c)
{
	static const char pairs[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
	for (const char *p = pairs; *p; p += 2)
		if ((uint8_t)*p == c)
			return p[1];
	return 0;
}

/* Never longer than it was: an escape takes at least two bytes for one, \u six for at most three, a pair twelve for four. */
static bool unescape(const uint8_t *from, size_t length, uint8_t *to, uint32_t *ret_length)
{
	const uint8_t *end = from + length;
	uint8_t *start = to;
	while (from < end) {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		if (end - from < 2)
			return false;
		if (from[1] == 'u') {
			uint32_t character;
			size_t read = read_unicode(from + 2, end, &character);
			unsigned put = read ? cel_utf8_put(to, character) : 0;
			if (put == 0)
				return false;
			to += put;
			from += 2 + read;
			continue;
		}
		*to = (uint8_t)plain_escape(from[1]);
		if (*to++ == 0)
			return false;
		from += 2;
	}
	*ret_length = (uint32_t)(to - start);
	return true;
}

static void decode_string(struct value *v, struct scratch *scratch)
{
	uint8_t *to = scratch_take(scratch, v->length);
	uint32_t length;
	if (!to) {
		*v = cel_error_value(CEL_OUT_OF_ROOM);
		return;
	}
	if (!unescape(v->bytes, v->length, to, &length)) {
		*v = cel_error_value("invalid escape in a string");
		return;
	}
	scratch->at = to + length;
	*v = (struct value){.bytes = to, .length = length, .type = VALUE_STRING};
}

static void decode_number(struct value *v)
{
	const char *text = (const char *)v->bytes;
	struct value plain = {.type = v->type};
	int r;
	if (v->type == VALUE_INT)
		r = cel_int_parse(text, v->length, 10, &plain.i);
	else if (v->type == VALUE_UINT)
		r = cel_uint_parse(text, v->length, 10, &plain.u);
	else
		r = cel_double_parse(text, v->length, &plain.d);
	*v = r == 0 ? plain : cel_error_value(CEL_RANGE);
}

void cel_json_decode(struct value *v, struct scratch *scratch)
{
	if (v->form == VALUE_DIGITS && v->type >= VALUE_INT && v->type <= VALUE_DOUBLE)
		decode_number(v);
	else if (v->form == VALUE_ESCAPED && v->type == VALUE_STRING)
		decode_string(v, scratch);
}
