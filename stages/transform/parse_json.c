/* parse_json.c - finds the fields that somebody below reads in records that are JSON objects.
 *
 * The scanner is stages/json; here is which fields it looks for. */
#include "stages/builtin.h"
#include "stages/json/json_place.h"
#include "stages/json/json_shapes.h"
#include "stages/parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parse_json_options {
	struct parser_options common;
	uint64_t max_depth;
};

static const struct option parse_json_table[] = {
    PARSER_OPTIONS(struct parse_json_options, common),
    {"max_depth", OPTION_COUNT, offsetof(struct parse_json_options, max_depth), .preset = "128",
     .min = 1, .max = JSON_DEPTH_MAX,
     .doc = "How deep objects and arrays may lie within each other; what is deeper is refused"},
    {0},
};

/* A name may come several times. */
enum { PLACES_MAX = 2 * COLUMNS_MAX };

struct parse_json {
	struct parser parser;
	struct json_plan plan; /* its columns are the parser's slots */
	bool planned;
	struct json_shapes shapes;
};

static void parse_json_check(const void *options, struct place at, struct problems *problems)
{
	const struct parse_json_options *o = options;
	(void)at;
	parser_check(&o->common, problems);
}

static void parse_json_fields(const void *options, struct field_uses *uses)
{
	const struct parse_json_options *o = options;
	parser_declare(&o->common, uses);
	parser_declare_object(&o->common, uses);
}

/* Text that was escaped within another JSON is made plain, and so is what is to be of another type, which never takes more than that
 * had. Places may find no room: then who encodes looks for itself. */
static unsigned parse_json_scratch(const void *options, size_t capacity, bool needs_all,
				   size_t *ret_capacity)
{
	const struct parse_json_options *o = options;
	*ret_capacity = capacity;
	bool converts = o->common.types.count > 0 || o->common.time.field.bytes;
	return needs_all || converts || parser_room(&o->common, capacity) > 0 ? 1 : 0;
}

/* A path that cannot be in what is parsed is just never found. */
static int want(struct json_plan *plan, const struct parser_slot *slot, uint16_t number)
{
	int r = json_plan_want_path(plan, slot->name, slot->length, number);
	return r == -ENAMETOOLONG || r == -EINVAL ? 0 : r;
}

static int make_plan(struct parse_json *p, const struct parse_json_options *o)
{
	int r = json_plan_init(&p->plan, (uint32_t)o->max_depth);
	p->planned = r == 0;
	for (unsigned i = 0; r == 0 && i < p->parser.slot_count; i++)
		r = want(&p->plan, &p->parser.slots[i], (uint16_t)i);
	return r < 0 ? r : json_shapes_init(&p->shapes, &p->plan);
}

static int parse_json_open(struct stage *s)
{
	const struct parse_json_options *o = s->options;
	struct parse_json *p = s->state = calloc(1, sizeof *p);
	int r = p ? parser_open(&p->parser, s, &o->common) : -ENOMEM;
	if (r == 0)
		r = make_plan(p, o);
	if (r < 0)
		env_say(s->env, SAY_ERROR, "parser not prepared", "error=%s", strerror(-r));
	return r;
}

static void parse_json_close(struct stage *s)
{
	struct parse_json *p = s->state;
	if (!p)
		return;
	json_shapes_release(&p->shapes);
	if (p->planned)
		json_plan_release(&p->plan);
	parser_close(&p->parser);
	free(p);
	s->state = NULL;
}

/* Where they go: the places of one record, as many as there may be. */
static struct json_places room_for_places(struct parser *p)
{
	const size_t room = PLACES_MAX * sizeof(struct json_place);
	struct scratch *s = &p->batch->room;
	struct json_places places = {
	    .at = scratch_take_aligned(s, room, _Alignof(struct json_place))};
	places.room = places.at ? PLACES_MAX : 0;
	return places;
}

static void keep_places(struct parser *p, struct json_places *places)
{
	struct scratch *s = &p->batch->room;
	const uint32_t count = places->known ? places->count : 0;
	if (places->room > 0)
		s->at = (uint8_t *)(places->at + count); /* what is left is for the next */
	if (!places->known)
		return;
	for (uint32_t i = 0; i < count; i++)
		places->at[i].column = p->slots[places->at[i].column].column;
	p->found_places = (struct value){
	    .bytes = (const uint8_t *)places->at, .length = count, .type = VALUE_BYTES};
}

static const char *parse(struct parser *p, void *context, const struct value *text)
{
	struct parse_json *own = context;
	struct json_mistake mistake;
	struct json_places places = {.room = 0};
	if (p->all_places)
		places = room_for_places(p);
	int r = json_shapes_scan(&own->shapes, text->bytes, text->length, p->found,
				 p->all_places ? &places : NULL, &mistake);
	places.known = places.known && r == 0;
	if (p->all_places)
		keep_places(p, &places);
	if (r < 0)
		return mistake.why;
	p->found_object =
	    (struct value){.bytes = text->bytes, .length = text->length, .type = VALUE_MAP};
	return NULL;
}

static int parse_json_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct parse_json *p = s->state;
	return parser_apply(&p->parser, b, out, parse, p);
}

static size_t parse_json_memory(const void *options)
{
	(void)options;
	return sizeof(struct parse_json) + json_shapes_memory();
}

const struct stage_type parse_json_type = {
    .schema = {.kind = STAGE_TRANSFORM,
	       .name = "parse_json",
	       .summary = "finds fields in records that are JSON objects",
	       .options = parse_json_table,
	       .options_size = sizeof(struct parse_json_options),
	       .check = parse_json_check,
	       .has_failures = true,
	       .workers_max = 64},
    .zone = parser_zone,
    .open = parse_json_open,
    .close = parse_json_close,
    .transform_apply = parse_json_apply,
    .fields = parse_json_fields,
    .scratch = parse_json_scratch,
    .memory = parse_json_memory,
    .light = true,
    .stateless = true,
};
