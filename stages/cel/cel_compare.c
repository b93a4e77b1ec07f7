#include "stages/cel/cel_compare.h"

#include "stages/cel/cel_items.h"
#include "stages/cel/cel_reasons.h"

#include <errno.h>
#include <string.h>

enum { NESTING_MAX = 100 };

/* The first doubles that are too large for an int, for a uint. */
static const double two_to_63 = 9223372036854775808.0, two_to_64 = 18446744073709551616.0;

static int equal_at(const struct value *a, const struct value *b, struct cel_comparison *c,
		    unsigned depth);

static bool is_number(const struct value *v)
{
	return v->type == VALUE_INT || v->type == VALUE_UINT || v->type == VALUE_DOUBLE;
}

static int order_int_uint(int64_t i, uint64_t u)
{
	if (i < 0 || u > INT64_MAX)
		return -1;
	return i < (int64_t)u ? -1 : i > (int64_t)u;
}

/* |d| is less than 2^63 or 2^64: the whole part fits, then the fraction decides. */
static int order_int_double(int64_t i, double d)
{
	if (d >= two_to_63)
		return -1;
	if (d < -two_to_63)
		return 1;
	int64_t whole = (int64_t)d;
	if (i != whole)
		return i < whole ? -1 : 1;
	double fraction = d - (double)whole;
	return fraction > 0 ? -1 : fraction < 0;
}

static int order_uint_double(uint64_t u, double d)
{
	if (d >= two_to_64)
		return -1;
	if (d < 0)
		return 1;
	uint64_t whole = (uint64_t)d;
	if (u != whole)
		return u < whole ? -1 : 1;
	return d > (double)whole ? -1 : 0;
}

static int order_doubles(double a, double b)
{
	return a < b ? -1 : a > b;
}

static int order_unlike(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_INT)
		return b->type == VALUE_UINT ? order_int_uint(a->i, b->u)
					     : order_int_double(a->i, b->d);
	return b->type == VALUE_INT ? -order_int_uint(b->i, a->u) : order_uint_double(a->u, b->d);
}

static int order_numbers(const struct value *a, const struct value *b)
{
	bool nan = (a->type == VALUE_DOUBLE && __builtin_isnan(a->d)) ||
		   (b->type == VALUE_DOUBLE && __builtin_isnan(b->d));
	if (nan)
		return CEL_UNORDERED;
	if (a->type == VALUE_DOUBLE)
		return b->type == VALUE_DOUBLE ? order_doubles(a->d, b->d) : -order_unlike(b, a);
	if (a->type != b->type)
		return order_unlike(a, b);
	if (a->type == VALUE_INT)
		return a->i < b->i ? -1 : a->i > b->i;
	return a->u < b->u ? -1 : a->u > b->u;
}

/* Bytes in order are characters in order: UTF-8 was made so. */
static int order_bytes(const struct value *a, const struct value *b)
{
	uint32_t shorter = a->length < b->length ? a->length : b->length;
	int c = shorter ? memcmp(a->bytes, b->bytes, shorter) : 0;
	if (c != 0)
		return c < 0 ? -1 : 1;
	return a->length < b->length ? -1 : a->length > b->length;
}

int cel_order(const struct value *a, const struct value *b)
{
	if (is_number(a) && is_number(b))
		return order_numbers(a, b);
	if (a->type != b->type)
		return CEL_INCOMPARABLE;
	switch (a->type) {
	case VALUE_BOOL:
		return a->b - b->b;
	case VALUE_STRING:
	case VALUE_BYTES:
		return order_bytes(a, b);
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		return a->i < b->i ? -1 : a->i > b->i;
	default:
		return CEL_INCOMPARABLE;
	}
}

/* What decoding a value has failed with. */
static int error_of(const struct value *v)
{
	return strcmp(v->why, CEL_OUT_OF_ROOM) == 0 ? -ENOSPC : -ERANGE;
}

/* Both are passed over so many times. */
static bool spend(struct cel_comparison *c, const struct value *a, const struct value *b,
		  uint64_t times)
{
	uint64_t bytes;
	if (__builtin_mul_overflow((uint64_t)a->length + b->length, times, &bytes) ||
	    bytes > c->bytes_left)
		return false;
	c->bytes_left -= bytes;
	return true;
}

static int equal_lists(const struct value *a, const struct value *b, struct cel_comparison *c,
		       unsigned depth)
{
	struct cel_items one = cel_items_begin(a), other = cel_items_begin(b);
	if (!spend(c, a, b, 1))
		return -E2BIG;
	for (;;) {
		struct value x, y;
		int more = cel_items_element(&one, &x), more_there = cel_items_element(&other, &y);
		if (more < 0 || more_there < 0)
			return -EINVAL;
		if (!more || !more_there)
			return more == more_there;
		int same = equal_at(&x, &y, c, depth + 1);
		if (same <= 0)
			return same;
	}
}

/* Is it what the other map has under that key? A pair that a later one of the same key takes the place of does not count:
 * were it compared, each level of nesting could double the work. */
static int pair_within(struct cel_items rest, const struct value *key, const struct value *value,
		       const struct value *other, struct cel_comparison *c, unsigned depth)
{
	struct value found;
	int r = cel_items_find(rest, key, c->scratch, &found);
	if (r != 0)
		return r;
	r = cel_items_find(cel_items_begin(other), key, c->scratch, &found);
	return r > 0 && value ? equal_at(value, &found, c, depth + 1) : r;
}

/* Every pair of a is in b; or only every key, as far as that. */
static int map_within(const struct value *a, const struct value *b, bool keys_only,
		      struct cel_comparison *c, unsigned depth)
{
	struct cel_items items = cel_items_begin(a);
	struct value key, value;
	int r;
	while ((r = cel_items_pair(&items, &key, &value)) > 0) {
		cel_json_decode(&key, c->scratch);
		if (key.type == VALUE_ERROR)
			return error_of(&key);
		r = pair_within(items, &key, keys_only ? NULL : &value, b, c, depth);
		if (r <= 0)
			return r;
	}
	return r < 0 ? r : 1;
}

static int equal_maps(const struct value *a, const struct value *b, struct cel_comparison *c,
		      unsigned depth)
{
	int64_t count = cel_items_count(a), other = cel_items_count(b);
	if (count < 0 || other < 0)
		return -EINVAL;
	/* Each pair is looked for in both. */
	if (!spend(c, a, b, (uint64_t)(count + other)))
		return -E2BIG;
	int r = map_within(a, b, false, c, depth);
	return r > 0 ? map_within(b, a, true, c, depth) : r;
}

static int equal_plain(const struct value *a, const struct value *b, struct cel_comparison *c,
		       unsigned depth)
{
	if (a->type == VALUE_ERROR || b->type == VALUE_ERROR)
		return error_of(a->type == VALUE_ERROR ? a : b);
	if (a->type == b->type && a->type == VALUE_NULL)
		return 1;
	if (a->type == b->type && a->type == VALUE_LIST)
		return equal_lists(a, b, c, depth);
	if (a->type == b->type && a->type == VALUE_MAP)
		return equal_maps(a, b, c, depth);
	return cel_order(a, b) == 0;
}

static int equal_at(const struct value *a, const struct value *b, struct cel_comparison *c,
		    unsigned depth)
{
	if (depth > NESTING_MAX)
		return -ELOOP;
	struct value x = *a, y = *b;
	uint8_t *before = c->scratch->at;
	cel_json_decode(&x, c->scratch);
	cel_json_decode(&y, c->scratch);
	int r = equal_plain(&x, &y, c, depth);
	c->scratch->at = before;
	return r;
}

int cel_equal(const struct value *a, const struct value *b, struct cel_comparison *c)
{
	return equal_at(a, b, c, 0);
}

const char *cel_compare_reason(int error)
{
	switch (error) {
	case -ENOSPC:
		return CEL_OUT_OF_ROOM;
	case -ELOOP:
		return CEL_TOO_DEEP;
	case -E2BIG:
		return "too large to compare";
	case -ERANGE:
		return CEL_RANGE;
	default:
		return CEL_BAD_JSON;
	}
}
