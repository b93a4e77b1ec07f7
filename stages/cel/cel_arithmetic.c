#include "stages/cel/cel_arithmetic.h"

#include "stages/cel/cel_items.h"
#include "stages/cel/cel_reasons.h"

#include <string.h>

static struct value of_int(int64_t i, bool overflow)
{
	return overflow ? cel_error_value(CEL_OVERFLOW) : (struct value){.i = i, .type = VALUE_INT};
}

static struct value of_uint(uint64_t u, bool overflow)
{
	return overflow ? cel_error_value(CEL_OVERFLOW)
			: (struct value){.u = u, .type = VALUE_UINT};
}

static struct value divide_ints(enum cel_op op, int64_t a, int64_t b)
{
	if (b == 0)
		return cel_error_value(op == CEL_DIVIDE ? CEL_DIVIDED_BY_ZERO : CEL_MODULO_ZERO);
	if (a == INT64_MIN && b == -1)
		return cel_error_value(CEL_OVERFLOW);
	return of_int(op == CEL_DIVIDE ? a / b : a % b, false);
}

static struct value divide_uints(enum cel_op op, uint64_t a, uint64_t b)
{
	if (b == 0)
		return cel_error_value(op == CEL_DIVIDE ? CEL_DIVIDED_BY_ZERO : CEL_MODULO_ZERO);
	return of_uint(op == CEL_DIVIDE ? a / b : a % b, false);
}

static struct value on_ints(enum cel_op op, int64_t a, int64_t b)
{
	int64_t i;
	bool overflow;
	switch (op) {
	case CEL_ADD:
		overflow = __builtin_add_overflow(a, b, &i);
		return of_int(i, overflow);
	case CEL_SUBTRACT:
		overflow = __builtin_sub_overflow(a, b, &i);
		return of_int(i, overflow);
	case CEL_MULTIPLY:
		overflow = __builtin_mul_overflow(a, b, &i);
		return of_int(i, overflow);
	default:
		return divide_ints(op, a, b);
	}
}

static struct value on_uints(enum cel_op op, uint64_t a, uint64_t b)
{
	uint64_t u;
	bool overflow;
	switch (op) {
	case CEL_ADD:
		overflow = __builtin_add_overflow(a, b, &u);
		return of_uint(u, overflow);
	case CEL_SUBTRACT:
		overflow = __builtin_sub_overflow(a, b, &u);
		return of_uint(u, overflow);
	case CEL_MULTIPLY:
		overflow = __builtin_mul_overflow(a, b, &u);
		return of_uint(u, overflow);
	default:
		return divide_uints(op, a, b);
	}
}

/* IEEE 754 says what x / 0 is; C leaves it open, and the sanitizer asks. */
__attribute__((no_sanitize("float-divide-by-zero"))) static struct value
on_doubles(enum cel_op op, double a, double b)
{
	switch (op) {
	case CEL_ADD:
		return (struct value){.d = a + b, .type = VALUE_DOUBLE};
	case CEL_SUBTRACT:
		return (struct value){.d = a - b, .type = VALUE_DOUBLE};
	case CEL_MULTIPLY:
		return (struct value){.d = a * b, .type = VALUE_DOUBLE};
	case CEL_DIVIDE:
		return (struct value){.d = a / b, .type = VALUE_DOUBLE};
	default:
		return cel_error_value(CEL_NO_OVERLOAD);
	}
}

static struct value joined(const struct value *a, const struct value *b, struct scratch *scratch)
{
	uint64_t length = (uint64_t)a->length + b->length;
	uint8_t *to = length <= UINT32_MAX ? scratch_take(scratch, length) : NULL;
	if (!to)
		return cel_error_value(CEL_OUT_OF_ROOM);
	if (a->length)
		memcpy(to, a->bytes, a->length);
	if (b->length)
		memcpy(to + a->length, b->bytes, b->length);
	return (struct value){.bytes = to, .length = (uint32_t)length, .type = a->type};
}

static struct value on_times(enum cel_op op, const struct value *a, const struct value *b)
{
	bool times = a->type == VALUE_TIMESTAMP && b->type == VALUE_TIMESTAMP;
	bool fits = op == CEL_ADD ? !times
				  : op == CEL_SUBTRACT &&
					(a->type == VALUE_TIMESTAMP || b->type == VALUE_DURATION);
	if (!fits)
		return cel_error_value(CEL_NO_OVERLOAD);
	int64_t ns;
	bool overflow = op == CEL_ADD ? __builtin_add_overflow(a->i, b->i, &ns)
				      : __builtin_sub_overflow(a->i, b->i, &ns);
	if (overflow)
		return cel_error_value(CEL_TIME_OVERFLOW);
	bool time = !times && (a->type == VALUE_TIMESTAMP || b->type == VALUE_TIMESTAMP);
	return (struct value){.i = ns, .type = time ? VALUE_TIMESTAMP : VALUE_DURATION};
}

static bool is_time(const struct value *v)
{
	return v->type == VALUE_TIMESTAMP || v->type == VALUE_DURATION;
}

struct value cel_arithmetic(enum cel_op op, const struct value *a, const struct value *b,
			    struct scratch *scratch)
{
	if (is_time(a) && is_time(b))
		return on_times(op, a, b);
	if (a->type != b->type)
		return cel_error_value(CEL_NO_OVERLOAD);
	switch (a->type) {
	case VALUE_INT:
		return on_ints(op, a->i, b->i);
	case VALUE_UINT:
		return on_uints(op, a->u, b->u);
	case VALUE_DOUBLE:
		return on_doubles(op, a->d, b->d);
	case VALUE_STRING:
	case VALUE_BYTES:
		if (op == CEL_ADD)
			return joined(a, b, scratch);
		break;
	case VALUE_LIST:
		if (op == CEL_ADD)
			return cel_items_concatenated(a, b, scratch);
		break;
	default:
		break;
	}
	return cel_error_value(CEL_NO_OVERLOAD);
}

struct value cel_negated(const struct value *a)
{
	if (a->type == VALUE_INT)
		return on_ints(CEL_SUBTRACT, 0, a->i);
	if (a->type == VALUE_DOUBLE)
		return (struct value){.d = -a->d, .type = VALUE_DOUBLE};
	return cel_error_value(CEL_NO_OVERLOAD);
}
