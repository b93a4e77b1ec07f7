#include "stages/cel/cel_convert.h"

#include "stages/cel/cel_number.h"
#include "stages/cel/cel_reasons.h"
#include "stages/cel/cel_time.h"
#include "stages/cel/cel_utf8.h"

#include <errno.h>
#include <string.h>

/* The first doubles that are too large for an int, for a uint. */
static const double two_to_63 = 9223372036854775808.0, two_to_64 = 18446744073709551616.0;

static const char *text_of(const struct value *v)
{
	return v->length ? (const char *)v->bytes : "";
}

static struct value parsed(int r, struct value v, const char *malformed, const char *large)
{
	if (r == 0)
		return v;
	return cel_error_value(r == -EINVAL ? malformed : large);
}

static struct value int_of_double(double d)
{
	if (!(d >= -two_to_63 && d < two_to_63))
		return cel_error_value(CEL_RANGE);
	return (struct value){.i = (int64_t)d, .type = VALUE_INT};
}

static int64_t seconds_of(int64_t ns)
{
	const int64_t second_ns = 1000000000;
	return ns / second_ns - (ns % second_ns < 0);
}

static struct value to_int(const struct value *v)
{
	struct value i = {.type = VALUE_INT};
	switch (v->type) {
	case VALUE_UINT:
		i.i = (int64_t)v->u;
		return v->u > INT64_MAX ? cel_error_value(CEL_RANGE) : i;
	case VALUE_DOUBLE:
		return int_of_double(v->d);
	case VALUE_STRING:
		return parsed(cel_int_parse(text_of(v), v->length, 10, &i.i), i,
			      "string is not an int", CEL_RANGE);
	case VALUE_TIMESTAMP:
		i.i = seconds_of(v->i);
		return i;
	default:
		return *v;
	}
}

static struct value to_uint(const struct value *v)
{
	struct value u = {.type = VALUE_UINT};
	switch (v->type) {
	case VALUE_INT:
		u.u = (uint64_t)v->i;
		return v->i < 0 ? cel_error_value(CEL_RANGE) : u;
	case VALUE_DOUBLE:
		if (!(v->d > -1 && v->d < two_to_64))
			return cel_error_value(CEL_RANGE);
		u.u = (uint64_t)v->d;
		return u;
	case VALUE_STRING:
		return parsed(cel_uint_parse(text_of(v), v->length, 10, &u.u), u,
			      "string is not a uint", CEL_RANGE);
	default:
		return *v;
	}
}

static bool says(const struct value *v, const char *word)
{
	return v->length == strlen(word) && memcmp(text_of(v), word, v->length) == 0;
}

static struct value double_of_text(const struct value *v)
{
	struct value d = {.type = VALUE_DOUBLE};
	if (says(v, "NaN"))
		d.d = __builtin_nan("");
	else if (says(v, "Infinity") || says(v, "+Infinity") || says(v, "+Inf") || says(v, "Inf"))
		d.d = __builtin_inf();
	else if (says(v, "-Infinity") || says(v, "-Inf"))
		d.d = -__builtin_inf();
	else
		return parsed(cel_double_parse(text_of(v), v->length, &d.d), d,
			      "string is not a double", CEL_RANGE);
	return d;
}

static struct value to_double(const struct value *v)
{
	switch (v->type) {
	case VALUE_INT:
		return (struct value){.d = (double)v->i, .type = VALUE_DOUBLE};
	case VALUE_UINT:
		return (struct value){.d = (double)v->u, .type = VALUE_DOUBLE};
	case VALUE_STRING:
		return double_of_text(v);
	default:
		return *v;
	}
}

static struct value to_bool(const struct value *v)
{
	static const char *const yes[] = {"true", "True", "TRUE", "t", "1"};
	static const char *const no[] = {"false", "False", "FALSE", "f", "0"};
	if (v->type == VALUE_BOOL)
		return *v;
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (says(v, yes[i]))
			return (struct value){.b = true, .type = VALUE_BOOL};
		if (says(v, no[i]))
			return (struct value){.b = false, .type = VALUE_BOOL};
	}
	return cel_error_value("string is not a bool");
}

static struct value kept_text(const char *text, size_t length, struct scratch *scratch)
{
	uint8_t *to = scratch_take(scratch, length);
	if (!to)
		return cel_error_value(CEL_OUT_OF_ROOM);
	memcpy(to, text, length);
	return (struct value){.bytes = to, .length = (uint32_t)length, .type = VALUE_STRING};
}

static struct value as_text(const struct value *v, enum value_type type)
{
	struct value text = *v;
	text.type = (uint8_t)type;
	if (type == VALUE_STRING && !cel_utf8_valid(v->bytes, v->length))
		return cel_error_value("invalid UTF-8");
	return text;
}

static struct value to_string(const struct value *v, struct scratch *scratch)
{
	_Static_assert((int)CEL_TIME_BYTES_MAX >= (int)CEL_NUMBER_BYTES_MAX, "room for either");
	char text[CEL_TIME_BYTES_MAX];
	switch (v->type) {
	case VALUE_BOOL:
		return kept_text(v->b ? "true" : "false", v->b ? 4 : 5, scratch);
	case VALUE_INT:
		return kept_text(text, cel_int_print(text, v->i), scratch);
	case VALUE_UINT:
		return kept_text(text, cel_uint_print(text, v->u), scratch);
	case VALUE_DOUBLE:
		return kept_text(text, cel_double_print(text, v->d), scratch);
	case VALUE_TIMESTAMP:
		return kept_text(text, cel_timestamp_print(text, v->i), scratch);
	case VALUE_DURATION:
		return kept_text(text, cel_duration_print(text, v->i), scratch);
	case VALUE_BYTES:
		return as_text(v, VALUE_STRING);
	default:
		return *v;
	}
}

static struct value to_timestamp(const struct value *v)
{
	struct value time = {.type = VALUE_TIMESTAMP};
	if (v->type == VALUE_STRING)
		return parsed(cel_timestamp_parse(text_of(v), v->length, &time.i), time,
			      "string is not a timestamp", CEL_TIME_OVERFLOW);
	if (v->type == VALUE_INT)
		return __builtin_mul_overflow(v->i, (int64_t)1000000000, &time.i)
			   ? cel_error_value(CEL_TIME_OVERFLOW)
			   : time;
	return *v;
}

static struct value to_duration(const struct value *v)
{
	struct value duration = {.type = VALUE_DURATION};
	if (v->type != VALUE_STRING)
		return *v;
	return parsed(cel_duration_parse(text_of(v), v->length, &duration.i), duration,
		      "string is not a duration", CEL_TIME_OVERFLOW);
}

struct value cel_converted(enum value_type type, const struct value *v, struct scratch *scratch)
{
	switch (type) {
	case VALUE_INT:
		return to_int(v);
	case VALUE_UINT:
		return to_uint(v);
	case VALUE_DOUBLE:
		return to_double(v);
	case VALUE_BOOL:
		return to_bool(v);
	case VALUE_STRING:
		return to_string(v, scratch);
	case VALUE_BYTES:
		return as_text(v, VALUE_BYTES);
	case VALUE_TIMESTAMP:
		return to_timestamp(v);
	default:
		return to_duration(v);
	}
}
