#include "stages/field_type.h"

#include "stages/cel/cel_convert.h"
#include "stages/json/json_number.h"
#include "stages/json/json_text.h"

#include <string.h>

const char *const field_type_names[] = {
    [FIELD_TYPE_AS_FOUND] = "",
    [FIELD_TYPE_STRING] = "string",
    [FIELD_TYPE_INT] = "int",
    [FIELD_TYPE_FLOAT] = "float",
    [FIELD_TYPE_BOOL] = "bool",
    [FIELD_TYPE_TIMESTAMP] = "timestamp",
    NULL,
};

int field_type_find(const char *name, size_t length)
{
	for (int i = FIELD_TYPE_STRING; field_type_names[i]; i++)
		if (strlen(field_type_names[i]) == length &&
		    memcmp(field_type_names[i], name, length) == 0)
			return i;
	return -1;
}

enum { NUMBER_BYTES_MAX = 400 }; /* the longest that a double's digits make sense for */

const char *field_to_string(const uint8_t *bytes, size_t length, struct value *ret_value)
{
	*ret_value =
	    (struct value){.bytes = bytes, .length = (uint32_t)length, .type = VALUE_STRING};
	return NULL;
}

const char *field_to_int(const uint8_t *bytes, size_t length, struct value *ret_value)
{
	static const char why[] = "not an int";
	const uint8_t *end = bytes + length;
	bool negative = length > 0 && *bytes == '-';
	uint64_t magnitude = 0;
	if (length > 0 && (*bytes == '-' || *bytes == '+'))
		bytes++;
	if (bytes == end)
		return why;
	for (; bytes < end; bytes++) {
		if (*bytes < '0' || *bytes > '9' ||
		    __builtin_mul_overflow(magnitude, 10, &magnitude) ||
		    __builtin_add_overflow(magnitude, (uint64_t)(*bytes - '0'), &magnitude))
			return why;
	}
	if (magnitude > (uint64_t)INT64_MAX + negative) {
		*ret_value = (struct value){.u = magnitude, .type = VALUE_UINT};
		return negative ? why : NULL;
	}
	*ret_value =
	    (struct value){.i = (int64_t)(negative ? 0 - magnitude : magnitude), .type = VALUE_INT};
	return NULL;
}

static bool is_json_number(const uint8_t *number, size_t length)
{
	enum value_type type;
	return json_number_end(number, number + length + 1, &type) == number + length;
}

/* As JSON writes it: no plus, one digit at least before a point and behind it, no zeros before others. NULL: too long. */
static const uint8_t *in_json(const uint8_t *bytes, size_t length, uint8_t *to, size_t *ret_length)
{
	const uint8_t *end = bytes + length;
	uint8_t *at = to;
	if (length > NUMBER_BYTES_MAX)
		return NULL;
	if (bytes < end && *bytes == '-')
		*at++ = '-';
	if (bytes < end && (*bytes == '-' || *bytes == '+'))
		bytes++;
	while (end - bytes > 1 && *bytes == '0' && bytes[1] >= '0' && bytes[1] <= '9')
		bytes++;
	if (end - bytes > 1 && *bytes == '.')
		*at++ = '0';
	memcpy(at, bytes, (size_t)(end - bytes));
	at += end - bytes;
	if (at > to + 1 && at[-1] == '.')
		at--;
	*at = 0;
	*ret_length = (size_t)(at - to);
	return to;
}

const char *field_to_float(const uint8_t *bytes, size_t length, struct value *ret_value)
{
	static const char why[] = "not a float";
	uint8_t text[NUMBER_BYTES_MAX + 2]; /* a zero more, and the end */
	size_t text_length;
	if (!in_json(bytes, length, text, &text_length) || text_length == 0 ||
	    !is_json_number(text, text_length))
		return why;
	*ret_value = (struct value){
	    .bytes = bytes, .length = (uint32_t)length, .type = VALUE_DOUBLE, .form = VALUE_DIGITS};
	if (text_length == length && memcmp(text, bytes, length) == 0)
		return NULL;
	ret_value->bytes = text;
	ret_value->length = (uint32_t)text_length;
	return json_decode_number(ret_value) < 0 ? why : NULL;
}

const char *field_to_bool(const uint8_t *bytes, size_t length, struct value *ret_value)
{
	bool is_true = length == 4 && memcmp(bytes, "true", 4) == 0;
	bool is_false = length == 5 && memcmp(bytes, "false", 5) == 0;
	*ret_value = (struct value){.b = is_true, .type = VALUE_BOOL};
	return is_true || is_false ? NULL : "not a bool";
}

static bool has_type(const struct value *v, enum field_type type)
{
	switch (type) {
	case FIELD_TYPE_STRING:
		return v->type == VALUE_STRING;
	case FIELD_TYPE_INT:
		return v->type == VALUE_INT || v->type == VALUE_UINT;
	case FIELD_TYPE_FLOAT:
		return v->type == VALUE_DOUBLE;
	case FIELD_TYPE_BOOL:
		return v->type == VALUE_BOOL;
	case FIELD_TYPE_TIMESTAMP:
		return v->type == VALUE_TIMESTAMP;
	default:
		return true;
	}
}

static const char *to_timestamp(const uint8_t *bytes, size_t length, struct value *ret_value)
{
	const struct value text = {
	    .bytes = bytes, .length = (uint32_t)length, .type = VALUE_STRING};
	struct scratch none = {NULL, NULL};
	struct value time = cel_converted(VALUE_TIMESTAMP, &text, &none);
	if (time.type != VALUE_TIMESTAMP)
		return "not a timestamp";
	*ret_value = time;
	return NULL;
}

static const char *from_text(const struct value *text, enum field_type type,
			     struct value *ret_value)
{
	static const char *(*const readers[])(const uint8_t *, size_t, struct value *) = {
	    [FIELD_TYPE_STRING] = field_to_string, [FIELD_TYPE_INT] = field_to_int,
	    [FIELD_TYPE_FLOAT] = field_to_float,   [FIELD_TYPE_BOOL] = field_to_bool,
	    [FIELD_TYPE_TIMESTAMP] = to_timestamp,
	};
	return readers[type](text->bytes, text->length, ret_value);
}

const char *field_convert(struct value *v, enum field_type type, struct scratch *room)
{
	static const char *const whys[] = {
	    [FIELD_TYPE_STRING] = "not a string",       [FIELD_TYPE_INT] = "not an int",
	    [FIELD_TYPE_FLOAT] = "not a float",         [FIELD_TYPE_BOOL] = "not a bool",
	    [FIELD_TYPE_TIMESTAMP] = "not a timestamp",
	};
	struct value text = *v;
	if (v->type == VALUE_MISSING || v->type == VALUE_NULL || has_type(v, type))
		return NULL;
	if (v->form != VALUE_DIGITS && v->type != VALUE_STRING && v->type != VALUE_BYTES)
		return whys[type];
	if (v->form == VALUE_ESCAPED && json_decode_string(&text, room) < 0)
		return "out of room";
	return from_text(&text, type, v);
}
