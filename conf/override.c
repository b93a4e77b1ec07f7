#include "conf/override.h"

#include "conf/excerpt.h"
#include "conf/schema.h"
#include "conf/suggest.h"
#include "conf/units.h"

#include <errno.h>
#include <string.h>

/* One --set. */
struct setting {
	struct yaml_reader *reader;
	const char *argument; /* "a.b.c=VALUE" */
	bool yaml;            /* it was `:=` */
	struct place at;      /* its key stands for a file; not the value: it may be a password */
};

static int refuse(const struct setting *s, const char *what)
{
	problem_add(s->reader->problems, s->at, "%s", what);
	return -EINVAL;
}

/* One part of the path; `rest` begins behind it, with `.` or `=`. */
struct part {
	const char *name;
	size_t length;
	bool last;
};

static struct part next_part(const char **rest)
{
	struct part p = {.name = *rest};

	p.length = strcspn(*rest, ".=");
	*rest += p.length;
	p.last = **rest == '=';
	++*rest;
	return p;
}

/* Each part a name, and a `=` behind the last. */
static bool path_is_whole(const char *argument)
{
	size_t length;

	do {
		length = strcspn(argument, ".=");
		if (!length || !argument[length])
			return false;
		argument += length + 1;
	} while (argument[-1] == '.');
	return true;
}

static struct node_pair *find_part(const struct node *map, const struct part *p)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->pairs[i].key->length == p->length &&
		    !memcmp(map->pairs[i].key->bytes, p->name, p->length))
			return &map->pairs[i];
	return NULL;
}

/* An empty map in the place of what isn't there yet. */
static struct node *new_value(const struct setting *s)
{
	return node_map(s->reader->arena, s->at);
}

/* A stage that is not there is not made bit by bit if its name is much like that of one that is. */
static const char *mistyped_stage(const struct node *section, const struct part *p)
{
	struct suggest suggest;

	suggest_init(&suggest, p->name, p->length);
	for (size_t i = 0; i < section->count; i++)
		suggest_consider(&suggest, section->pairs[i].key->bytes);
	return suggest.best;
}

static int refuse_stage(const struct setting *s, const struct part *p, const char *meant)
{
	problem_add(
	    s->reader->problems, s->at,
	    "there is no stage `%.*s`; did you mean `%s`? A new one is set whole, as {type: "
	    "..., ...}",
	    (int)p->length, p->name, meant);
	return -EINVAL;
}

static int slot_in_map(const struct setting *s, struct node *map, const struct part *p,
		       bool is_section, struct node ***ret_slot)
{
	struct arena *arena = s->reader->arena;
	struct node_pair *pair = find_part(map, p);
	const char *meant = is_section && !pair && !p->last ? mistyped_stage(map, p) : NULL;
	struct node *key, *value;
	int result;

	if (meant)
		return refuse_stage(s, p, meant);
	if (!pair) {
		key = node_scalar(arena, s->at, p->name, p->length);
		value = new_value(s);
		result = key && value ? node_add_pair(arena, map, key, value) : -ENOMEM;
		if (result)
			return result;
		pair = &map->pairs[map->count - 1];
	}
	*ret_slot = &pair->value;
	return 0;
}

static int slot_in_list(const struct setting *s, struct node *list, const struct part *p,
			struct node ***ret_slot)
{
	struct node *value;
	uint64_t index;
	int result;

	if (units_count(p->name, p->length, &index) || index > list->count)
		return refuse(
		    s, "the path goes through a list; an item is named by its number, from 0");
	if (index == list->count) {
		value = new_value(s);
		result = value ? node_add_item(s->reader->arena, list, value) : -ENOMEM;
		if (result)
			return result;
	}
	*ret_slot = &list->items[index];
	return 0;
}

static bool is_section(const struct part *p)
{
	for (size_t i = 0; i < STAGE_KINDS; i++)
		if (p->length == strlen(stage_section_names[i]) &&
		    !memcmp(p->name, stage_section_names[i], p->length))
			return true;
	return false;
}

static bool is_number(const struct part *p)
{
	uint64_t index;

	return units_count(p->name, p->length, &index) == 0;
}

/* One text may stand for a list of one, so that the path goes on to its items. */
static int wrap_in_list(const struct setting *s, struct node **slot)
{
	struct node *list = new_value(s), *item = *slot;

	if (!list)
		return -ENOMEM;
	if (item->typed)
		item = item->typed;
	list->kind = NODE_LIST;
	*slot = list;
	return node_add_item(s->reader->arena, list, item);
}

/* Makes of what is in the slot what a path can go through. */
static int enter(const struct setting *s, const struct part *p, struct node **slot)
{
	struct node *n = *slot;

	if (n->kind == NODE_SCALAR && n->null) {
		*slot = new_value(s);
		return *slot ? 0 : -ENOMEM;
	}
	if (is_number(p) && (n->kind == NODE_SCALAR || n->typed))
		return wrap_in_list(s, slot);
	if (n->kind == NODE_SCALAR)
		return refuse(s, "the path goes through a single value; set the whole of it as "
				 "{key: value}");
	n->typed = NULL;
	return 0;
}

/* The slot that the path leads to, made if it isn't there. */
static int find_slot(const struct setting *s, struct node *root, struct node ***ret_slot)
{
	struct node **slot = &root;
	const char *rest = s->argument;
	struct part p, above = {.name = NULL};
	int result = 0;

	do {
		p = next_part(&rest);
		result = enter(s, &p, slot);
		if (result)
			return result;
		if ((*slot)->kind == NODE_MAP)
			result = slot_in_map(
			    s, *slot, &p, above.name == s->argument && is_section(&above), &slot);
		else
			result = slot_in_list(s, *slot, &p, &slot);
		above = p;
	} while (!result && !p.last);
	if (!result)
		*ret_slot = slot;
	return result;
}

static size_t path_parts(const char *argument)
{
	size_t parts = 1;

	for (; *argument != '='; argument++)
		parts += *argument == '.';
	return parts;
}

/* "--set sinks.out.path", in the place of a file. */
static const char *name_of(struct arena *arena, const char *argument)
{
	struct excerpt key = excerpt_of(argument, strcspn(argument, "="), false);

	return arena_format(arena, "--set%s%s", *key.text ? " " : "", key.text);
}

static struct node *typed_text(const struct setting *s, const char *typed)
{
	struct node *n = node_scalar(s->reader->arena, s->at, typed, strlen(typed));

	if (n)
		n->null = !n->length;
	return n;
}

static int read_yaml(const struct setting *s, const char *typed, struct node **ret_value)
{
	int result = yaml_tree_read(s->reader, s->at.file, false, typed, strlen(typed), ret_value);

	if (result)
		return result;
	if (!*ret_value)
		*ret_value = typed_text(s, "");
	return *ret_value ? 0 : -ENOMEM;
}

/* Whether it is one is only known when the option is: a map is kept beside the text. What is wrong with it as YAML is
 * then no mistake. */
static int read_text(const struct setting *s, const char *typed, struct node **ret_value)
{
	struct node *text = typed_text(s, typed), *value;
	struct problems unsaid;
	struct yaml_reader reader = *s->reader;
	int result;

	if (!text)
		return -ENOMEM;
	problems_init(&unsaid);
	reader.problems = &unsaid;
	result = yaml_tree_read(&reader, s->at.file, false, typed, strlen(typed), &value);
	problems_release(&unsaid);
	s->reader->nodes = reader.nodes;
	s->reader->aliases = reader.aliases;
	if (result == -ENOMEM)
		return result;
	*ret_value = text;
	if (result || !value)
		return 0;
	text->typed_list = value->kind == NODE_LIST && value->count > 1;
	if (value->kind != NODE_MAP)
		return 0;
	value->typed = text;
	*ret_value = value;
	return 0;
}

static int set(const struct setting *s, struct node *root)
{
	struct node *value = NULL, **slot;
	const char *typed;
	int result;

	if (!path_is_whole(s->argument))
		return refuse(s, "no KEY=VALUE; write it like sinks.archive.path=/tmp/x");
	typed = strchr(s->argument, '=') + 1;
	result = (s->yaml ? read_yaml : read_text)(s, typed, &value);
	if (result)
		return result;
	/* What comes out is read by functions that call themselves, so it is no deeper than files may be. */
	if (path_parts(s->argument) + value->height > YAML_DEPTH_MAX)
		return refuse(s, "nested too deep");
	result = find_slot(s, root, &slot);
	if (!result)
		*slot = value;
	return result;
}

int override_apply(struct yaml_reader *r, struct node *root, const char *argument)
{
	struct setting s = {.reader = r, .argument = argument};
	size_t key = strcspn(argument, "=");

	s.yaml = argument[key] && key && argument[key - 1] == ':';
	if (s.yaml)
		s.argument =
		    arena_format(r->arena, "%.*s%s", (int)key - 1, argument, argument + key);
	if (!s.argument)
		return -ENOMEM;
	s.at.file = name_of(r->arena, s.argument);
	return s.at.file ? set(&s, root) : -ENOMEM;
}
