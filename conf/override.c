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
	const char *argument;
	struct place at; /* its key stands for a file; not the value: it may be a password */
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

/* The slot that the path leads to, made if it isn't there. */
static int find_slot(const struct setting *s, struct node *root, struct node ***ret_slot)
{
	struct node **slot = &root;
	const char *rest = s->argument;
	struct part p, above = {.name = NULL};
	int result = 0;

	do {
		p = next_part(&rest);
		if ((*slot)->kind == NODE_SCALAR && (*slot)->null) {
			*slot = new_value(s);
			if (!*slot)
				return -ENOMEM;
		}
		if ((*slot)->kind == NODE_SCALAR)
			return refuse(s,
				      "the path goes through a single value; set the whole of it "
				      "as {key: value}");
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

static int set(const struct setting *s, struct node *root)
{
	struct node *value = NULL, **slot;
	const char *typed;
	int result;

	if (!path_is_whole(s->argument))
		return refuse(s, "no KEY=VALUE; write it like sinks.archive.path=/tmp/x");
	typed = strchr(s->argument, '=') + 1;
	result = yaml_tree_read(s->reader, s->at.file, false, typed, strlen(typed), &value);
	if (!result && !value)
		value = node_scalar(s->reader->arena, s->at, "", 0);
	if (result)
		return result;
	if (!value)
		return -ENOMEM;
	if (value->kind == NODE_SCALAR && !value->length && value->style == NODE_PLAIN)
		value->null = true;
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

	s.at.file = name_of(r->arena, argument);
	return s.at.file ? set(&s, root) : -ENOMEM;
}
