/* parse_json.c - finds the fields that somebody below reads in records that are JSON objects.
 *
 * The scanner is stages/json; here is which fields it looks for. */
#include "stages/builtin.h"
#include "stages/json/json_place.h"
#include "stages/json/json_scan.h"
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
enum { MEMBERS_MAX = 2 * COLUMNS_MAX };

struct parse_json {
	struct parser parser;
	struct json_plan plan; /* its columns are the parser's slots */
	bool planned;
	struct json_member members[MEMBERS_MAX];
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

/* Text that was escaped within another JSON is made plain, which never takes more than that had. Places may find no room: then
 * who encodes looks for itself. */
static unsigned parse_json_scratch(const void *options, size_t capacity, bool needs_all,
				   size_t *ret_capacity)
{
	const struct parse_json_options *o = options;
	*ret_capacity = capacity;
	return needs_all || parser_room(&o->common, capacity) > 0 ? 1 : 0;
}

/* `user.id` is `id` within `user`. A path that cannot be in what is parsed is just never found. */
static int want(struct json_plan *plan, const struct parser_slot *slot, uint16_t number)
{
	struct json_name names[JSON_DEPTH_MAX];
	size_t count = 0;
	const char *end = slot->name + slot->length;
	for (const char *at = slot->name; at <= end && count < JSON_DEPTH_MAX; count++) {
		const char *dot = memchr(at, '.', (size_t)(end - at));
		const char *stop = dot ? dot : end;
		names[count] = (struct json_name){(const uint8_t *)at, (size_t)(stop - at)};
		at = stop + 1;
	}
	int r = json_plan_want(plan, names, count, number);
	return r == -ENAMETOOLONG || r == -EINVAL ? 0 : r;
}

static int make_plan(struct parse_json *p, const struct parse_json_options *o)
{
	int r = json_plan_init(&p->plan, (uint32_t)o->max_depth);
	p->planned = r == 0;
	for (unsigned i = 0; r == 0 && i < p->parser.slot_count; i++)
		r = want(&p->plan, &p->parser.slots[i], (uint16_t)i);
	return r;
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
	if (p->planned)
		json_plan_release(&p->plan);
	parser_close(&p->parser);
	free(p);
	s->state = NULL;
}

static void keep_places(struct parser *p, const struct json_members *m)
{
	struct json_place *places = scratch_take_aligned(&p->batch->room, m->count * sizeof *places,
							 _Alignof(struct json_place));
	if (!places || m->is_full)
		return;
	for (uint32_t i = 0; i < m->count; i++) {
		const struct json_member *member = &m->at[i];
		if (member->column == JSON_NO_COLUMN)
			return; /* something within it is wanted, which only a scan finds */
		places[i] =
		    (struct json_place){member->from, member->to, p->slots[member->column].column};
	}
	p->found_places = (struct value){
	    .bytes = (const uint8_t *)places, .length = m->count, .type = VALUE_BYTES};
}

static const char *parse(struct parser *p, void *context, const struct value *text)
{
	struct parse_json *own = context;
	struct json_mistake mistake;
	struct json_members members = {.at = own->members, .room = MEMBERS_MAX};
	struct json_members *wanted = p->all_places ? &members : NULL;
	if (json_scan(&own->plan, text->bytes, text->length, p->found, wanted, &mistake) < 0)
		return mistake.why;
	p->found_object =
	    (struct value){.bytes = text->bytes, .length = text->length, .type = VALUE_MAP};
	if (wanted)
		keep_places(p, &members);
	return NULL;
}

static int parse_json_apply(struct stage *s, struct batch *b, struct outlet *out)
{
	struct parse_json *p = s->state;
	return parser_apply(&p->parser, b, out, parse, p);
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
    .light = true,
    .stateless = true,
};
