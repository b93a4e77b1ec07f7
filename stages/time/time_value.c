#include "stages/time/time_value.h"

#include "stages/json/json_text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { TEXT_MAX = 256 }; /* of a time with escapes; a longer one is none */

static const char why_not_time[] = "not a time";
static const char why_far[] = "time out of range";

struct text_of {
	const uint8_t *bytes;
	size_t length;
	uint8_t made[TEXT_MAX];
};

static const char *plain_string(struct text_of *t, const struct value *v)
{
	struct value copy = *v;
	struct scratch room = {t->made, t->made + sizeof t->made};
	if (v->form == VALUE_ESCAPED &&
	    (v->length > sizeof t->made || json_decode_string(&copy, &room) < 0))
		return why_not_time;
	t->bytes = copy.bytes;
	t->length = copy.length;
	return NULL;
}

/* To the billionth, which is all that a fraction is read to. */
static int print_double(struct text_of *t, double d)
{
	const double most = 1e20;
	if (!isfinite(d) || fabs(d) > most)
		return -1;
	return snprintf((char *)t->made, sizeof t->made, "%.9f", d);
}

static const char *plain_number(struct text_of *t, const struct value *v)
{
	char *made = (char *)t->made;
	int length = -1;
	if (v->type == VALUE_INT)
		length = snprintf(made, sizeof t->made, "%" PRId64, v->i);
	else if (v->type == VALUE_UINT)
		length = snprintf(made, sizeof t->made, "%" PRIu64, v->u);
	else
		length = print_double(t, v->d);
	if (length < 0)
		return why_far;
	t->bytes = t->made;
	t->length = (size_t)length;
	return NULL;
}

static const char *find_text(struct text_of *t, const struct value *v)
{
	switch (v->type) {
	case VALUE_STRING:
		return plain_string(t, v);
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
		if (v->form != VALUE_DIGITS)
			return plain_number(t, v);
		t->bytes = v->bytes;
		t->length = v->length;
		return NULL;
	case VALUE_MISSING:
		return "no such field";
	default:
		return why_not_time;
	}
}

const char *time_of_value(const struct time_format *f, const struct zone *z,
			  struct time_cache *cache, int64_t now_ns, const struct value *v,
			  int64_t *ret_ns)
{
	struct text_of t;
	if (v->type == VALUE_TIMESTAMP) {
		*ret_ns = v->i;
		return NULL;
	}
	const char *why = find_text(&t, v);
	if (why)
		return why;
	int r = time_parse(f, z, cache, now_ns, t.bytes, t.length, ret_ns);
	return r == 0 ? NULL : r == -ERANGE ? why_far : why_not_time;
}
