#include "stages/key_part.h"
#include "stages/json/json_number.h"
#include "stages/json/json_text.h"

#include <math.h>
#include <string.h>

/* A number too large for a double has the tag of its digits. */
enum { TAG_DIGITS = VALUE_TYPES };

static void own(struct key_part *p, uint8_t tag, const void *bytes, size_t length)
{
	p->tag = tag;
	p->length = length;
	p->bytes = memcpy(p->own, bytes, length);
}

static const double two_to_63 = 9223372036854775808.0;

static void take_double(struct key_part *p, double d)
{
	if (d >= -two_to_63 && d < two_to_63 && d == (double)(int64_t)d) {
		int64_t whole = (int64_t)d;
		own(p, VALUE_INT, &whole, sizeof whole);
	} else if (d >= two_to_63 && d < 2 * two_to_63) {
		uint64_t whole = (uint64_t)d;
		own(p, VALUE_UINT, &whole, sizeof whole);
	} else {
		if (isnan(d))
			d = (double)NAN; /* of whatever bits */
		own(p, VALUE_DOUBLE, &d, sizeof d);
	}
}

static void take_number(struct key_part *p, const struct value *number)
{
	struct value v = *number;
	if (v.form == VALUE_DIGITS && json_decode_number(&v) < 0) {
		p->tag = TAG_DIGITS;
		p->bytes = v.bytes;
		p->length = v.length;
	} else if (v.type == VALUE_DOUBLE) {
		take_double(p, v.d);
	} else if (v.type == VALUE_UINT && v.u <= INT64_MAX) {
		own(p, VALUE_INT, &v.u, sizeof v.u);
	} else {
		own(p, v.type, &v.u, sizeof v.u);
	}
}

static const char *take_text(struct key_part *p, const struct value *text, struct scratch *room)
{
	struct value v = *text;
	if (v.form == VALUE_ESCAPED && json_decode_string(&v, room) < 0)
		return "out of room";
	p->tag = v.type == VALUE_BYTES ? VALUE_STRING : v.type;
	p->bytes = v.bytes;
	p->length = v.length;
	return NULL;
}

const char *key_part_of(struct key_part *ret_part, const struct value *v, struct scratch *room)
{
	uint8_t truth;
	switch (v->type) {
	case VALUE_ERROR:
		return v->why;
	case VALUE_MISSING:
	case VALUE_NULL:
		own(ret_part, VALUE_NULL, "", 0);
		return NULL;
	case VALUE_BOOL:
		truth = v->b;
		own(ret_part, VALUE_BOOL, &truth, sizeof truth);
		return NULL;
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
		take_number(ret_part, v);
		return NULL;
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		own(ret_part, v->type, &v->i, sizeof v->i);
		return NULL;
	default:
		return take_text(ret_part, v, room);
	}
}

bool key_part_is_one(uint8_t tag, size_t length)
{
	switch (tag) {
	case VALUE_NULL:
		return length == 0;
	case VALUE_BOOL:
		return length == 1;
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		return length == sizeof(uint64_t);
	default:
		return tag == VALUE_STRING || tag == VALUE_LIST || tag == VALUE_MAP ||
		       tag == TAG_DIGITS;
	}
}

struct value key_part_value(uint8_t tag, const uint8_t *bytes, size_t length)
{
	struct value v = {.type = tag};
	switch (tag) {
	case VALUE_BOOL:
		v.b = bytes[0];
		break;
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		memcpy(&v.u, bytes, sizeof v.u);
		break;
	case TAG_DIGITS:
		v.type = VALUE_DOUBLE;
		v.form = VALUE_DIGITS;
		v.bytes = bytes;
		v.length = (uint32_t)length;
		break;
	case VALUE_STRING:
	case VALUE_LIST:
	case VALUE_MAP:
		v.bytes = bytes;
		v.length = (uint32_t)length;
		break;
	default:
		v.type = VALUE_NULL;
	}
	return v;
}
