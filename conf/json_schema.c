#include "conf/json_schema.h"

#include "conf/json_writer.h"
#include "conf/option_apply.h"
#include "conf/option_value.h"
#include "conf/stage_keys.h"
#include "conf/test_keys.h"
#include "conf/topology_keys.h"
#include "conf/units.h"

#include <errno.h>
#include <string.h>

enum { PRESET_BYTES_MAX = 1 << 20 };

struct writing {
	struct json_writer json;
	struct arena arena; /* presets */
	const struct stage_catalog *catalog;
};

static void write_ref(struct writing *w, const char *name)
{
	char target[128];

	snprintf(target, sizeof(target), "#/$defs/%s", name);
	json_text_of(&w->json, "$ref", target);
}

/* One of several forms that a value may have. */
static void write_ref_form(struct writing *w, const char *name)
{
	json_open(&w->json, '{');
	write_ref(w, name);
	json_close(&w->json, '}');
}

static void write_const_form(struct writing *w, const char *word)
{
	json_open(&w->json, '{');
	json_text_of(&w->json, "const", word);
	json_close(&w->json, '}');
}

static void write_pattern_form(struct writing *w, const char *pattern)
{
	json_open(&w->json, '{');
	json_name(&w->json, "const");
	json_number(&w->json, 0);
	json_close(&w->json, '}');
	json_open(&w->json, '{');
	json_text_of(&w->json, "type", "string");
	json_text_of(&w->json, "pattern", pattern);
	json_close(&w->json, '}');
}

static void write_count_form(struct writing *w, const struct option *o)
{
	json_open(&w->json, '{');
	json_text_of(&w->json, "type", "integer");
	json_name(&w->json, "minimum");
	json_number(&w->json, o->min);
	if (o->max) {
		json_name(&w->json, "maximum");
		json_number(&w->json, o->max);
	}
	json_close(&w->json, '}');
}

/* A number or a word typed without quotes is a text to us. The limits are in bytes there and in characters here, of
 * which there are at least a quarter and at most as many. */
static void write_text_form(struct writing *w, const struct option *o)
{
	json_open(&w->json, '{');
	json_name(&w->json, "type");
	json_open(&w->json, '[');
	json_text(&w->json, "string", 6);
	json_text(&w->json, "number", 6);
	json_text(&w->json, "boolean", 7);
	json_close(&w->json, ']');
	if (o->min) {
		json_name(&w->json, "minLength");
		json_number(&w->json, (o->min + 3) / 4);
	}
	if (o->max) {
		json_name(&w->json, "maxLength");
		json_number(&w->json, o->max);
	}
	json_close(&w->json, '}');
}

static void write_text_forms(struct writing *w, const struct option *o)
{
	json_open(&w->json, '{');
	json_name(&w->json, "anyOf");
	json_open(&w->json, '[');
	write_text_form(w, o);
	write_ref_form(w, "interpolated");
	json_close(&w->json, ']');
	json_close(&w->json, '}');
}

static void write_map_form(struct writing *w, const struct option *o)
{
	json_open(&w->json, '{');
	json_text_of(&w->json, "type", "object");
	if (o->required && !o->may_be_empty) {
		json_name(&w->json, "minProperties");
		json_number(&w->json, 1);
	}
	json_name(&w->json, "additionalProperties");
	write_text_forms(w, o);
	json_close(&w->json, '}');
}

static void write_texts_form(struct writing *w, const struct option *o)
{
	write_text_form(w, o);
	json_open(&w->json, '{');
	json_text_of(&w->json, "type", "array");
	if (o->required && !o->may_be_empty) {
		json_name(&w->json, "minItems");
		json_number(&w->json, 1);
	}
	json_name(&w->json, "items");
	write_text_forms(w, o);
	json_close(&w->json, '}');
}

static void write_choice_form(struct writing *w, const struct option *o)
{
	json_open(&w->json, '{');
	json_name(&w->json, "enum");
	json_open(&w->json, '[');
	for (size_t i = 0; o->choices[i]; i++)
		json_text(&w->json, o->choices[i], strlen(o->choices[i]));
	json_close(&w->json, ']');
	json_close(&w->json, '}');
}

static void write_object(struct writing *w, const struct option *const *tables, size_t count);

static void write_forms(struct writing *w, const struct option *o);

static void write_group_forms(struct writing *w, const struct option *o)
{
	const struct option *const tables[] = {o->group};

	json_open(&w->json, '{');
	write_object(w, tables, 1);
	json_close(&w->json, '}');
	if (option_is_short(&o->group[0]))
		write_forms(w, &o->group[0]);
}

static void write_forms(struct writing *w, const struct option *o)
{
	switch (o->type) {
	case OPTION_BOOL:
		json_open(&w->json, '{');
		json_text_of(&w->json, "type", "boolean");
		json_close(&w->json, '}');
		break;
	case OPTION_COUNT:
		write_count_form(w, o);
		break;
	case OPTION_SIZE:
		write_pattern_form(w, units_size_pattern);
		break;
	case OPTION_DURATION:
		write_pattern_form(w, units_duration_pattern);
		break;
	case OPTION_RATE:
		write_pattern_form(w, units_rate_pattern);
		break;
	case OPTION_TEXT:
	case OPTION_FILE:
		write_text_form(w, o);
		break;
	case OPTION_TEXTS:
		write_texts_form(w, o);
		break;
	case OPTION_MAP:
		write_map_form(w, o);
		return; /* what is filled in never becomes a map */
	case OPTION_CHOICE:
		write_choice_form(w, o);
		break;
	case OPTION_GROUP:
		write_group_forms(w, o);
		return;
	}
	if (o->word)
		write_const_form(w, o->word);
	write_ref_form(w, "interpolated");
}

/* As JSON would type it: numbers and true, false where the option's type says so, else texts. */
static void write_node(struct writing *w, const struct option *o, const struct node *n)
{
	bool plain = n->kind == NODE_SCALAR && n->style == NODE_PLAIN;
	bool numeric = o->type == OPTION_COUNT || o->type == OPTION_SIZE ||
		       o->type == OPTION_DURATION || o->type == OPTION_RATE;
	uint64_t value;

	if (n->kind == NODE_LIST) {
		json_open(&w->json, '[');
		for (size_t i = 0; i < n->count; i++)
			write_node(w, o, n->items[i]);
		json_close(&w->json, ']');
	} else if (n->kind == NODE_MAP) {
		json_open(&w->json, '{');
		for (size_t i = 0; i < n->count; i++) {
			json_name(&w->json, n->pairs[i].key->bytes);
			write_node(w, o, n->pairs[i].value);
		}
		json_close(&w->json, '}');
	} else if (plain && o->type == OPTION_BOOL) {
		json_bool(&w->json, n->bytes[0] == 't' || n->bytes[0] == 'T');
	} else if (plain && numeric && !units_count(n->bytes, n->length, &value)) {
		json_number(&w->json, value);
	} else {
		json_text(&w->json, n->bytes, n->length);
	}
}

/* A group's default is told by its members. */
static void write_preset(struct writing *w, const struct option *o)
{
	const struct node *n;

	if (!o->preset || o->type == OPTION_GROUP)
		return;
	n = option_preset(o, &w->arena);
	if (!n)
		return;
	json_name(&w->json, "default");
	write_node(w, o, n);
}

static void write_property(struct writing *w, const struct option *o)
{
	json_name(&w->json, o->name);
	json_open(&w->json, '{');
	if (o->doc)
		json_text_of(&w->json, "description", o->doc);
	write_preset(w, o);
	json_name(&w->json, "anyOf");
	json_open(&w->json, '[');
	write_forms(w, o);
	json_close(&w->json, ']');
	json_close(&w->json, '}');
}

/* more: names that no table has; ends with NULL. */
static void write_required(struct writing *w, const struct option *const *tables, size_t count,
			   const char *const *more)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		for (const struct option *o = tables[i]; o->name; o++) {
			if (!o->required)
				continue;
			if (!any) {
				json_name(&w->json, "required");
				json_open(&w->json, '[');
			}
			any = true;
			json_text(&w->json, o->name, strlen(o->name));
		}
	}
	for (size_t i = 0; any && more && more[i]; i++)
		json_text(&w->json, more[i], strlen(more[i]));
	if (any)
		json_close(&w->json, ']');
}

/* The members of an object that several tables describe, but for the end of its properties: the caller may have more. */
static void begin_object(struct writing *w, const struct option *const *tables, size_t count,
			 const char *const *more_required)
{
	json_text_of(&w->json, "type", "object");
	json_bool_of(&w->json, "additionalProperties", false);
	write_required(w, tables, count, more_required);
	json_name(&w->json, "properties");
	json_open(&w->json, '{');
	for (size_t i = 0; i < count; i++)
		for (const struct option *o = tables[i]; o->name; o++)
			write_property(w, o);
}

/* The braces are the caller's. */
static void write_object(struct writing *w, const struct option *const *tables, size_t count)
{
	begin_object(w, tables, count, NULL);
	json_close(&w->json, '}');
}

static void def_name(const struct stage_schema *s, char name[96])
{
	snprintf(name, 96, "%s.%s", stage_kind_names[s->kind], s->name);
}

/* $defs "source.file": everything that may stand under such a stage. */
static void write_stage(struct writing *w, const struct stage_schema *s)
{
	struct stage_nature nature = stage_nature_of(s);
	struct stage_keys keys = stage_keys_of(&nature);
	const struct option *const tables[] = {keys.table, s->options};
	char name[96];

	def_name(s, name);
	json_name(&w->json, name);
	json_open(&w->json, '{');
	if (s->summary)
		json_text_of(&w->json, "description", s->summary);
	write_object(w, tables, 2);
	json_close(&w->json, '}');
}

/* `if` the type is this, `then` the stage is described there. */
static void write_case(struct writing *w, const struct stage_schema *s)
{
	char name[96];

	def_name(s, name);
	json_open(&w->json, '{');
	json_name(&w->json, "if");
	json_open(&w->json, '{');
	json_name(&w->json, "properties");
	json_open(&w->json, '{');
	json_name(&w->json, "type");
	write_const_form(w, s->name);
	json_close(&w->json, '}');
	json_name(&w->json, "required");
	json_open(&w->json, '[');
	json_text(&w->json, "type", 4);
	json_close(&w->json, ']');
	json_close(&w->json, '}');
	json_name(&w->json, "then");
	write_ref_form(w, name);
	json_close(&w->json, '}');
}

/* The types of one kind that there are. */
static void write_types(struct writing *w, enum stage_kind kind)
{
	json_name(&w->json, "properties");
	json_open(&w->json, '{');
	json_name(&w->json, "type");
	json_open(&w->json, '{');
	json_name(&w->json, "enum");
	json_open(&w->json, '[');
	for (size_t i = 0; w->catalog->types[i]; i++)
		if (w->catalog->types[i]->kind == kind)
			json_text(&w->json, w->catalog->types[i]->name,
				  strlen(w->catalog->types[i]->name));
	json_close(&w->json, ']');
	json_close(&w->json, '}');
	json_close(&w->json, '}');
}

/* $defs "source": any of that kind. */
static void write_kind(struct writing *w, enum stage_kind kind)
{
	bool any = false;

	json_name(&w->json, stage_kind_names[kind]);
	json_open(&w->json, '{');
	json_text_of(&w->json, "type", "object");
	json_name(&w->json, "required");
	json_open(&w->json, '[');
	json_text(&w->json, "type", 4);
	json_close(&w->json, ']');
	write_types(w, kind);
	for (size_t i = 0; w->catalog->types[i]; i++) {
		if (w->catalog->types[i]->kind != kind)
			continue;
		if (!any) {
			json_name(&w->json, "allOf");
			json_open(&w->json, '[');
		}
		any = true;
		write_case(w, w->catalog->types[i]);
	}
	if (any)
		json_close(&w->json, ']');
	json_close(&w->json, '}');
}

static void write_section(struct writing *w, enum stage_kind kind)
{
	json_name(&w->json, stage_section_names[kind]);
	json_open(&w->json, '{');
	json_text_of(&w->json, "description", "Stages, each under its name");
	json_name(&w->json, "type");
	json_open(&w->json, '[');
	json_text(&w->json, "object", 6);
	json_text(&w->json, "null", 4);
	json_close(&w->json, ']');
	json_bool_of(&w->json, "additionalProperties", false);
	json_name(&w->json, "patternProperties");
	json_open(&w->json, '{');
	json_name(&w->json, "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$");
	write_ref_form(w, stage_kind_names[kind]);
	json_close(&w->json, '}');
	json_close(&w->json, '}');
}

/* ---- tests ---- */

static void write_list_of(struct writing *w, const char *name, const char *doc, const char *item)
{
	json_name(&w->json, name);
	json_open(&w->json, '{');
	json_text_of(&w->json, "description", doc);
	json_text_of(&w->json, "type", "array");
	json_name(&w->json, "minItems");
	json_number(&w->json, 1);
	json_name(&w->json, "items");
	write_ref_form(w, item);
	json_close(&w->json, '}');
}

static void write_tests(struct writing *w)
{
	json_name(&w->json, tests_key);
	json_open(&w->json, '{');
	json_text_of(&w->json, "description",
		     "What `sluice test` tries, without reading or "
		     "writing anything");
	json_name(&w->json, "type");
	json_open(&w->json, '[');
	json_text(&w->json, "array", 5);
	json_text(&w->json, "null", 4);
	json_close(&w->json, ']');
	json_name(&w->json, "items");
	write_ref_form(w, "test");
	json_close(&w->json, '}');
}

static void write_test(struct writing *w)
{
	const struct option *const tables[] = {test_keys};

	json_name(&w->json, "test");
	json_open(&w->json, '{');
	begin_object(w, tables, 1, test_lists);
	write_list_of(w, test_lists[0], "The records that enter", "test-record");
	write_list_of(w, test_lists[1], "What is to come out", "test-expectation");
	json_close(&w->json, '}');
	json_close(&w->json, '}');
}

static void write_fields(struct writing *w)
{
	json_name(&w->json, record_maps[0]);
	json_open(&w->json, '{');
	json_text_of(&w->json, "description", "The fields that it has, by name");
	json_text_of(&w->json, "type", "object");
	json_name(&w->json, "additionalProperties");
	json_open(&w->json, '{');
	json_name(&w->json, "type");
	json_open(&w->json, '[');
	static const char *const types[] = {"string", "number", "boolean", "null"};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		json_text(&w->json, types[i], strlen(types[i]));
	json_close(&w->json, ']');
	json_close(&w->json, '}');
	json_close(&w->json, '}');
}

/* A text, or a map. */
static void write_test_record(struct writing *w)
{
	static const struct option text = {.type = OPTION_TEXT};
	const struct option *const tables[] = {record_keys};

	json_name(&w->json, "test-record");
	json_open(&w->json, '{');
	json_name(&w->json, "anyOf");
	json_open(&w->json, '[');
	write_text_form(w, &text);
	json_open(&w->json, '{');
	begin_object(w, tables, 1, NULL);
	write_fields(w);
	json_close(&w->json, '}');
	json_close(&w->json, '}');
	json_close(&w->json, ']');
	json_close(&w->json, '}');
}

static void write_test_defs(struct writing *w)
{
	const struct option *const tables[] = {expectation_keys};

	write_test(w);
	write_test_record(w);
	json_name(&w->json, "test-expectation");
	json_open(&w->json, '{');
	write_object(w, tables, 1);
	json_close(&w->json, '}');
}

static void write_defs(struct writing *w)
{
	json_name(&w->json, "$defs");
	json_open(&w->json, '{');
	json_name(&w->json, "interpolated");
	json_open(&w->json, '{');
	json_text_of(&w->json, "type", "string");
	json_text_of(&w->json, "pattern", "\\$\\{");
	json_close(&w->json, '}');
	for (int kind = 0; kind < STAGE_KINDS; kind++)
		write_kind(w, (enum stage_kind)kind);
	for (size_t i = 0; w->catalog->types[i]; i++)
		write_stage(w, w->catalog->types[i]);
	write_test_defs(w);
	json_close(&w->json, '}');
}

static void write_root(struct writing *w)
{
	json_open(&w->json, '{');
	json_text_of(&w->json, "$schema", "https://json-schema.org/draft/2020-12/schema");
	json_text_of(&w->json, "title", "sluice topology");
	json_text_of(&w->json, "type", "object");
	json_bool_of(&w->json, "additionalProperties", false);
	json_name(&w->json, "properties");
	json_open(&w->json, '{');
	for (const struct option *o = topology_keys; o->name; o++)
		write_property(w, o);
	for (int kind = 0; kind < STAGE_KINDS; kind++)
		write_section(w, (enum stage_kind)kind);
	write_tests(w);
	json_close(&w->json, '}');
	write_defs(w);
	json_close(&w->json, '}');
}

int json_schema_write(const struct stage_catalog *catalog, FILE *to)
{
	struct writing w = {.catalog = catalog};
	int result = 0;

	arena_init(&w.arena, PRESET_BYTES_MAX);
	json_begin(&w.json, to);
	write_root(&w);
	json_end(&w.json);
	if (w.arena.exhausted)
		result = -ENOMEM;
	arena_release(&w.arena);
	return result;
}
