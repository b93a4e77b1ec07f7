/* parse_logfmt.c - finds the fields of records that are `key=value key="value"`.
 *
 * The scanner is stages/text/logfmt_scan.h; here is which keys are wanted. */
#include "stages/builtin.h"
#include "stages/json/json_object.h"
#include "stages/json/json_plan.h"
#include "stages/json/json_text.h"
#include "stages/parser.h"
#include "stages/text/logfmt_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse_logfmt_options {
	struct parser_options common;
};

static const struct option parse_logfmt_table[] = {
    PARSER_OPTIONS(struct parse_logfmt_options, common),
    {0},
};

struct parse_logfmt {
	struct parser parser;
	struct json_plan
	    keys; /* by name, whatever stands in it; their columns are the parser's slots */
	bool planned;
};

static void parse_logfmt_check(const void *options, struct place at, struct problems *problems)
{
	const struct parse_logfmt_options *o = options;
	(void)at;
	parser_check(&o->common, problems);
}

static void parse_logfmt_fields(const void *options, struct field_uses *uses)
{
	const struct parse_logfmt_options *o = options;
	parser_declare(&o->common, uses);
	parser_declare_object(&o->common, uses);
}

/* Escapes that are taken out, and objects: `a=b ` becomes `"a":"b",`. A record that is mostly characters that JSON escapes may
 * want more, and is refused then. */
static unsigned parse_logfmt_scratch(const void *options, size_t capacity, bool needs_all,
				     size_t *ret_capacity)
{
	enum { GROWTH = 4 };
	const struct parse_logfmt_options *o = options;
	(void)needs_all;
	*ret_capacity = parser_room(&o->common, capacity) + GROWTH * capacity;
	return 1;
}

/* ---- opening ---- */

static int want(struct json_plan *keys, const struct parser_slot *slot, uint16_t number)
{
	struct json_name name = {(const uint8_t *)slot->name, slot->length};
	int r = json_plan_want(keys, &name, 1, number);
	return r == -ENAMETOOLONG ? 0 : r; /* just never found */
}

static int make_keys(struct parse_logfmt *p)
{
	int r = json_plan_init(&p->keys, 1);
	p->planned = r == 0;
	for (unsigned i = 0; r == 0 && i < p->parser.slot_count; i++)
		r = want(&p->keys, &p->parser.slots[i], (uint16_t)i);
	return r;
}

static int parse_logfmt_open(struct stage *s)
{
	const struct parse_logfmt_options *o = s->options;
	struct parse_logfmt *p = s->state = calloc(1, sizeof *p);
	int r = p ? parser_open(&p->parser, s, &o->common) : -ENOMEM;
	if (r == 0)
		r = make_keys(p);
	if (r < 0)
		env_say(s->env, SAY_ERROR, "parser not prepared", "error=%s", strerror(-r));
	return r;
}

static void parse_logfmt_close(struct stage *s)
{
	struct parse_logfmt *p = s->state;
	if (!p)
		return;
	if (p->planned)
		json_plan_release(&p->keys);
	parser_close(&p->parser);
	free(p);
	s->state = NULL;
}

/* ---- parsing ---- */

static struct value value_of(const struct logfmt_pair *pair)
{
	if (!pair->value.bytes)
		return (struct value){.b = true, .type = VALUE_BOOL};
	return (struct value){.bytes = pair->value.bytes,
			      .length = pair->value.length,
			      .type = VALUE_STRING,
			      .form = pair->escaped ? VALUE_ESCAPED : VALUE_PLAIN};
}

/* The slot that a key goes to; NULL: nobody wants it. */
static struct value *slot_of(struct parser *p, const struct json_plan *keys,
			     const struct logfmt_pair *pair, const uint8_t *end)
{
	const struct text_span *key = &pair->key;
	uint32_t node = json_plan_find(&keys->nodes[JSON_ROOT], key->bytes, key->length,
				       (size_t)(end - key->bytes));
	return node ? &p->found[keys->nodes[node].column] : NULL;
}

static void add_member(struct json_object *o, const struct logfmt_pair *pair)
{
	json_object_name(o, pair->key.bytes, pair->key.length);
	if (!pair->value.bytes)
		json_object_raw(o, "true", 4);
	else if (pair->escaped)
		json_object_escaped(o, pair->value.bytes, pair->value.length);
	else
		json_object_string(o, pair->value.bytes, pair->value.length);
}

/* Of a key that comes twice the last one counts. A value with escapes may hold what JSON does not allow, so it is made plain. */
static const char *find(struct parser *p, const struct json_plan *keys, const struct value *text)
{
	struct logfmt_scan s = logfmt_from(text->bytes, text->length);
	struct logfmt_pair pair;
	while (logfmt_next(&s, &pair) > 0) {
		struct value *slot = slot_of(p, keys, &pair, s.end);
		if (!slot)
			continue;
		*slot = value_of(&pair);
		if (pair.escaped && json_decode_string(slot, &p->batch->room) < 0)
			return "out of room";
	}
	return s.why;
}

/* A second time over the record, as the object is written in one piece. */
static const char *gather(struct parser *p, const struct value *text)
{
	struct logfmt_scan s = logfmt_from(text->bytes, text->length);
	struct logfmt_pair pair;
	struct json_object o = json_object_begin(&p->batch->room);
	while (!o.full && logfmt_next(&s, &pair) > 0)
		add_member(&o, &pair);
	return json_object_end(&o, &p->found_object) < 0 ? "out of room" : NULL;
}

static const char *parse(struct parser *p, void *keys, const struct value *text)
{
	const char *why = find(p, keys, text);
	if (!why && p->objects)
		why = gather(p, text);
	return why;
}

static int parse_logfmt_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct parse_logfmt *p = s->state;
	return parser_apply(&p->parser, b, out, parse, &p->keys);
}

const struct stage_type parse_logfmt_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "parse_logfmt",
	       .summary = "finds fields in records that are key=value pairs",
	       .options = parse_logfmt_table,
	       .options_size = sizeof(struct parse_logfmt_options),
	       .check = parse_logfmt_check,
	       .has_failures = true,
	       .workers_max = 64},
    .zone = parser_zone,
    .open = parse_logfmt_open,
    .close = parse_logfmt_close,
    .transform_apply = parse_logfmt_apply,
    .fields = parse_logfmt_fields,
    .scratch = parse_logfmt_scratch,
    .light = true,
    .stateless = true,
};
