/* parse_csv.c - finds the fields of records that are comma-separated values, by their order.
 *
 * The scanner is stages/text/csv_scan.h; here is what the fields are called. */
#include "stages/builtin.h"
#include "stages/parser.h"
#include "stages/text/csv_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse_csv_options {
	struct parser_options common;
	struct text_list names;
	struct text delimiter;
	bool strict;
};

static const struct option parse_csv_table[] = {
    PARSER_OPTIONS(struct parse_csv_options, common),
    {"names", OPTION_TEXTS, offsetof(struct parse_csv_options, names), .required = true, .min = 1,
     .doc = "What the fields are called, in their order"},
    {"delimiter", OPTION_TEXT, offsetof(struct parse_csv_options, delimiter), .preset = "\",\"",
     .min = 1, .max = 1, .doc = "The byte that separates them"},
    {"strict", OPTION_BOOL, offsetof(struct parse_csv_options, strict), .preset = "true",
     .doc = "Refuse quotes where RFC 4180 has none, and records that have not as many fields as "
	    "there are "
	    "names; else such quotes are text, missing fields are missing, and more are left out"},
    {0},
};

struct parse_csv {
	struct parser parser;
	const struct parse_csv_options *options;
	int *slots; /* of the parser, by the field's number; -1: nobody wants it */
};

static bool same_text(const struct text *a, const struct text *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void parse_csv_check(const void *options, struct place at, struct problems *problems)
{
	const struct parse_csv_options *o = options;
	(void)at;
	parser_check(&o->common, problems);
	if (strchr("\"\r\n", o->delimiter.bytes[0]))
		problem_add(
		    problems, o->delimiter.at,
		    "`delimiter` is a quote, a line's end or NUL, which cannot separate fields");
	for (size_t i = 0; i < o->names.count; i++)
		for (size_t j = 0; j < i; j++)
			if (same_text(&o->names.items[i], &o->names.items[j])) {
				problem_add(problems, o->names.items[i].at,
					    "two fields are called the same");
				break;
			}
}

static void parse_csv_fields(const void *options, struct field_uses *uses)
{
	const struct parse_csv_options *o = options;
	parser_declare(&o->common, uses);
	for (size_t i = 0; i < o->names.count; i++)
		parser_declare_field(&o->common, uses, o->names.items[i].bytes,
				     o->names.items[i].length);
}

/* Quotes that are made one of two take less than they had. */
static unsigned parse_csv_scratch(const void *options, size_t capacity, bool needs_all,
				  size_t *ret_capacity)
{
	const struct parse_csv_options *o = options;
	(void)needs_all;
	*ret_capacity = parser_room(&o->common, capacity) + capacity;
	return 1;
}

static size_t parse_csv_memory(const void *options)
{
	const struct parse_csv_options *o = options;
	return sizeof(struct parse_csv) + o->names.count * sizeof(int);
}

static int find_slots(struct parse_csv *p)
{
	const struct text_list *names = &p->options->names;
	p->slots = calloc(names->count, sizeof *p->slots);
	if (!p->slots)
		return -ENOMEM;
	for (size_t i = 0; i < names->count; i++)
		p->slots[i] =
		    parser_slot(&p->parser, names->items[i].bytes, names->items[i].length);
	return 0;
}

static int parse_csv_open(struct stage *s)
{
	const struct parse_csv_options *o = s->options;
	struct parse_csv *p = s->state = calloc(1, sizeof *p);
	int r = p ? parser_open(&p->parser, s, &o->common) : -ENOMEM;
	if (r == 0) {
		p->options = o;
		r = find_slots(p);
	}
	if (r < 0)
		env_say(s->env, SAY_ERROR, "parser not prepared", "error=%s", strerror(-r));
	return r;
}

static void parse_csv_close(struct stage *s)
{
	struct parse_csv *p = s->state;
	if (!p)
		return;
	free(p->slots);
	parser_close(&p->parser);
	free(p);
	s->state = NULL;
}

/* False: there is no room. */
static bool fill(struct parser *p, int slot, const struct csv_field *field)
{
	struct text_span text = field->text;
	if (slot < 0)
		return true;
	if (field->doubled) {
		uint8_t *to = scratch_take(&p->batch->room, text.length);
		if (!to)
			return false;
		text = text_span(to, to + csv_undouble(to, text));
	}
	p->found[slot] =
	    (struct value){.bytes = text.bytes, .length = text.length, .type = VALUE_STRING};
	return true;
}

static const char *parse(struct parser *p, void *context, const struct value *text)
{
	const struct parse_csv *csv = context;
	const struct parse_csv_options *o = csv->options;
	struct csv_scan s =
	    csv_from(text->bytes, text->length, (uint8_t)o->delimiter.bytes[0], o->strict);
	struct csv_field field;
	size_t count = 0;
	for (; csv_next(&s, &field) > 0; count++) {
		if (count >= o->names.count && o->strict)
			return "more fields than names";
		if (count < o->names.count && !fill(p, csv->slots[count], &field))
			return "out of room";
	}
	if (!s.why && o->strict && count < o->names.count)
		return "fewer fields than names";
	return s.why;
}

static int parse_csv_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct parse_csv *p = s->state;
	return parser_apply(&p->parser, b, out, parse, p);
}

const struct stage_type parse_csv_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "parse_csv",
	       .summary = "finds fields in records that are comma-separated values",
	       .options = parse_csv_table,
	       .options_size = sizeof(struct parse_csv_options),
	       .check = parse_csv_check,
	       .has_failures = true,
	       .workers_max = 64},
    .zone = parser_zone,
    .open = parse_csv_open,
    .close = parse_csv_close,
    .transform_apply = parse_csv_apply,
    .fields = parse_csv_fields,
    .scratch = parse_csv_scratch,
    .memory = parse_csv_memory,
    .light = true,
    .stateless = true,
};
