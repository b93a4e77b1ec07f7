#include "stages/json/json_shape.h"

#include "stages/json/json_number.h"

#include <assert.h>
#include <string.h>

/* ---- learning: where parts stand ---- */

/* The last quote before an offset. */
static uint16_t quote_before(const struct json_skeleton *k, uint32_t offset)
{
	uint32_t i = k->quote_count;
	while (i > 0 && k->quotes[i - 1] >= offset)
		i--;
	assert(i > 0 && "a value has a name");
	return (uint16_t)(i - 1);
}

/* The first at an offset or behind it. */
static uint16_t quote_from(const struct json_skeleton *k, uint32_t offset)
{
	uint32_t i = 0;
	while (i < k->quote_count && k->quotes[i] < offset)
		i++;
	return (uint16_t)i;
}

/* Of digits there may be more or fewer the next time. */
static bool has_digits(const uint8_t *bytes, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		if (bytes[i] >= '0' && bytes[i] <= '9')
			return true;
	return false;
}

/* Where [from, to) stands, counted from that quote. */
static bool set_part(struct json_shape_part *p, const struct json_shape_record *of, uint16_t first,
		     uint32_t from, uint32_t to)
{
	const struct json_skeleton *k = &of->skeleton;
	p->first = first;
	p->last = quote_from(k, to);
	p->behind = (int16_t)(from - k->quotes[p->first]);
	p->before = (int16_t)(k->quotes[p->last] - to);
	return !has_digits(of->bytes, k->quotes[p->first], from) &&
	       !has_digits(of->bytes, to, k->quotes[p->last]);
}

static enum json_shape_kind kind_of(const struct value *v)
{
	if (v->type == VALUE_NULL || v->type == VALUE_BOOL)
		return JSON_SHAPE_CONSTANT;
	if (v->type == VALUE_STRING)
		return JSON_SHAPE_STRING;
	/* one that is too large for 64 bits is a DOUBLE, as one with a fraction is */
	const bool is_number = v->type != VALUE_MAP && v->type != VALUE_LIST;
	bool is_integer = is_number;
	for (uint32_t i = 0; is_integer && i < v->length; i++)
		is_integer = v->bytes[i] == '-' || (v->bytes[i] >= '0' && v->bytes[i] <= '9');
	return is_integer ? JSON_SHAPE_INTEGER : JSON_SHAPE_BYTES;
}

static bool add_value(struct json_shape *s, const struct json_shape_record *of, uint16_t column,
		      const struct value *v)
{
	if (s->value_count == JSON_SHAPE_FIELDS_MAX)
		return false;
	struct json_shape_part *p = &s->values[s->value_count++];
	*p = (struct json_shape_part){.value = *v, .column = column, .kind = kind_of(v)};
	if (p->kind == JSON_SHAPE_CONSTANT)
		return true;
	const uint32_t from = (uint32_t)(v->bytes - of->bytes);
	return set_part(p, of, quote_before(&of->skeleton, from), from, from + v->length);
}

static bool add_place(struct json_shape *s, const struct json_shape_record *of,
		      const struct json_place *place)
{
	if (s->place_count == JSON_SHAPE_FIELDS_MAX)
		return false;
	struct json_shape_part *p = &s->places[s->place_count++];
	*p = (struct json_shape_part){.column = (uint16_t)place->column};
	return set_part(p, of, quote_from(&of->skeleton, place->from), place->from, place->to);
}

/* ---- learning: which names must be the same ---- */

struct level {
	uint32_t node; /* 0: nobody wants anything in it */
	bool is_object;
};

/* Goes over a skeleton, which is right. */
struct names {
	struct json_shape *shape;
	const struct json_plan *plan;
	const struct json_shape_record *of;
	struct level levels[JSON_SHAPE_DEPTH_MAX + 1];
	unsigned depth;
	uint32_t node;  /* that the last name led to */
	uint32_t quote; /* the next one */
	bool is_name;   /* a string would be one */
};

static bool add_name(struct names *n)
{
	struct json_shape *s = n->shape;
	const uint16_t *quotes = n->of->skeleton.quotes + n->quote;
	const uint8_t *name = n->of->bytes + quotes[0] + 1;
	const uint32_t length = (uint32_t)quotes[1] - quotes[0] - 1;
	if (s->name_count == JSON_SHAPE_NAMES_MAX || length > JSON_NAME_MAX ||
	    s->text_count + length > JSON_SHAPE_TEXT_MAX || memchr(name, '\\', length))
		return false;
	memcpy(s->text + s->text_count, name, length);
	s->names[s->name_count++] = (struct json_shape_name){
	    .word = json_name_word(name, length, length),
	    .quote = (uint16_t)n->quote,
	    .length = (uint16_t)length,
	    .text = s->text_count,
	};
	s->text_count = (uint16_t)(s->text_count + length);
	n->node = json_plan_find(&n->plan->nodes[n->levels[n->depth].node], name, length, length);
	return true;
}

static bool open_level(struct names *n, bool is_object)
{
	if (n->depth == JSON_SHAPE_DEPTH_MAX)
		return false;
	/* nothing in an array has a path */
	const uint32_t node = n->depth == 0                   ? JSON_ROOT
			      : n->levels[n->depth].is_object ? n->node
							      : 0;
	n->levels[++n->depth] = (struct level){is_object ? node : 0, is_object};
	n->is_name = is_object;
	return true;
}

static bool take_string(struct names *n)
{
	const bool matters = n->is_name && n->levels[n->depth].node;
	n->node = 0;
	if (matters && !add_name(n))
		return false;
	n->is_name = false;
	n->quote += 2;
	return true;
}

static bool take_byte(struct names *n, uint8_t byte)
{
	switch (byte) {
	case '{':
	case '[':
		return open_level(n, byte == '{');
	case '}':
	case ']':
		n->depth--;
		return true;
	case ',':
		n->is_name = n->levels[n->depth].is_object;
		return true;
	case '"':
		return take_string(n);
	default:
		return true;
	}
}

static bool add_names(struct json_shape *s, const struct json_plan *plan,
		      const struct json_shape_record *of)
{
	struct names n = {.shape = s, .plan = plan, .of = of};
	for (uint32_t i = 0; i < of->skeleton.length; i++)
		if (!take_byte(&n, of->skeleton.bytes[i]))
			return false;
	return true;
}

static bool learn(struct json_shape *s, const struct json_plan *plan,
		  const struct json_shape_record *of, const struct value *values,
		  const struct json_places *places)
{
	const struct json_skeleton *k = &of->skeleton;
	if (k->length > JSON_SHAPE_BYTES_MAX || !add_names(s, plan, of))
		return false;
	for (uint16_t c = 0; c < plan->columns; c++)
		if (values[c].type != VALUE_MISSING && !add_value(s, of, c, &values[c]))
			return false;
	s->has_places = places && places->known;
	for (uint32_t i = 0; s->has_places && i < places->count; i++)
		if (!add_place(s, of, &places->at[i]))
			return false;
	memcpy(s->bytes, k->bytes, k->length);
	s->length = k->length;
	return true;
}

bool json_shape_learn(struct json_shape *shape, const struct json_plan *plan,
		      const struct json_shape_record *of, const struct value *values,
		      const struct json_places *places)
{
	shape->length = 0;
	shape->name_count = shape->value_count = shape->place_count = shape->text_count = 0;
	shape->after = NULL;
	return learn(shape, plan, of, values, places);
}

/* ---- use ---- */

bool json_shape_fits(const struct json_shape *shape, const struct json_shape_record *of)
{
	const struct json_skeleton *k = &of->skeleton;
	const uint8_t *end = of->bytes + of->length;
	if (k->length != shape->length || memcmp(k->bytes, shape->bytes, k->length) != 0)
		return false;
	for (unsigned i = 0; i < shape->name_count; i++) {
		const struct json_shape_name *n = &shape->names[i];
		const uint8_t *name = of->bytes + k->quotes[n->quote] + 1;
		const size_t length = (size_t)k->quotes[n->quote + 1] - k->quotes[n->quote] - 1;
		if (length != n->length ||
		    json_name_word(name, length, (size_t)(end - name)) != n->word ||
		    (length > sizeof n->word && memcmp(name, shape->text + n->text, length) != 0))
			return false;
	}
	return true;
}

/* Its type, by its digits. */
static void settle_integer(struct value *v)
{
	const bool negative = v->bytes[0] == '-';
	const size_t digits = v->length - negative;
	v->type = VALUE_INT;
	if (__builtin_expect(digits > 18, 0))
		v->type = (uint8_t)json_integer_type(v->bytes + negative, digits, negative);
}

static void settle_string(struct value *v, const struct json_shape_record *of)
{
	const size_t from = (size_t)(v->bytes - of->bytes);
	const bool escaped = __builtin_expect(of->index->backslashes, 0) &&
			     json_index_backslash(of->index, from, from + v->length);
	v->form = escaped ? VALUE_ESCAPED : VALUE_PLAIN;
}

static void read_value(const struct json_shape_part *p, const struct json_shape_record *of,
		       struct value *to)
{
	const uint16_t *quotes = of->skeleton.quotes;
	*to = p->value;
	if (p->kind == JSON_SHAPE_CONSTANT)
		return;
	to->bytes = of->bytes + quotes[p->first] + p->behind;
	to->length = (uint32_t)(quotes[p->last] - quotes[p->first] - p->behind - p->before);
	if (p->kind == JSON_SHAPE_INTEGER)
		settle_integer(to);
	else if (p->kind == JSON_SHAPE_STRING)
		settle_string(to, of);
}

static void read_places(const struct json_shape *shape, const struct json_shape_record *of,
			struct json_places *places)
{
	const uint16_t *quotes = of->skeleton.quotes;
	places->known = shape->has_places && shape->place_count <= places->room;
	places->count = places->known ? shape->place_count : 0;
	for (uint32_t i = 0; i < places->count; i++) {
		const struct json_shape_part *p = &shape->places[i];
		places->at[i] = (struct json_place){
		    quotes[p->first], (uint32_t)(quotes[p->last] - p->before), p->column};
	}
}

void json_shape_read(const struct json_shape *shape, const struct json_shape_record *of,
		     struct value *values, struct json_places *places)
{
	for (unsigned i = 0; i < shape->value_count; i++)
		read_value(&shape->values[i], of, &values[shape->values[i].column]);
	if (places)
		read_places(shape, of, places);
}
