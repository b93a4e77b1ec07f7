#include "conf/override.h"

#include "conf/excerpt.h"
#include "conf/units.h"

#include <errno.h>
#include <string.h>

static const struct place set_place = {.file = "--set"};

static int refuse(struct yaml_reader *r, const char *argument, const char *what)
{
	/* Not the value: it may be a password. */
	struct excerpt e = excerpt_of(argument, strcspn(argument, "="), false);

	problem_add(r->problems, set_place, "`%s`: %s", e.text, what);
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
static struct node *new_value(struct yaml_reader *r)
{
	return node_map(r->arena, set_place);
}

static int slot_in_map(struct yaml_reader *r, struct node *map, const struct part *p,
		       struct node ***ret_slot)
{
	struct node_pair *pair = find_part(map, p);
	struct node *key, *value;
	int result;

	if (!pair) {
		key = node_scalar(r->arena, set_place, p->name, p->length);
		value = new_value(r);
		result = key && value ? node_add_pair(r->arena, map, key, value) : -ENOMEM;
		if (result)
			return result;
		pair = &map->pairs[map->count - 1];
	}
	*ret_slot = &pair->value;
	return 0;
}

static int slot_in_list(struct yaml_reader *r, struct node *list, const struct part *p,
			const char *argument, struct node ***ret_slot)
{
	struct node *value;
	uint64_t index;
	int result;

	if (units_count(p->name, p->length, &index) || index > list->count)
		return refuse(
		    r, argument,
		    "the path goes through a list; an item is named by its number, from 0");
	if (index == list->count) {
		value = new_value(r);
		result = value ? node_add_item(r->arena, list, value) : -ENOMEM;
		if (result)
			return result;
	}
	*ret_slot = &list->items[index];
	return 0;
}

/* The slot that the path leads to, made if it isn't there. */
static int find_slot(struct yaml_reader *r, struct node *root, const char *argument,
		     const char **ret_value, struct node ***ret_slot)
{
	struct node **slot = &root;
	const char *rest = argument;
	struct part p;
	int result = 0;

	do {
		p = next_part(&rest);
		if ((*slot)->kind == NODE_SCALAR && (*slot)->null) {
			*slot = new_value(r);
			if (!*slot)
				return -ENOMEM;
		}
		if ((*slot)->kind == NODE_SCALAR)
			return refuse(r, argument,
				      "the path goes through a single value; set the whole of it "
				      "as {key: value}");
		if ((*slot)->kind == NODE_MAP)
			result = slot_in_map(r, *slot, &p, &slot);
		else
			result = slot_in_list(r, *slot, &p, argument, &slot);
	} while (!result && !p.last);
	if (result)
		return result;
	*ret_value = rest;
	*ret_slot = slot;
	return 0;
}

static size_t path_parts(const char *argument)
{
	size_t parts = 1;

	for (; *argument != '='; argument++)
		parts += *argument == '.';
	return parts;
}

int override_apply(struct yaml_reader *r, struct node *root, const char *argument)
{
	struct node *value = NULL, **slot;
	const char *typed;
	int result;

	if (!path_is_whole(argument))
		return refuse(r, argument, "no KEY=VALUE; write it like sinks.archive.path=/tmp/x");
	typed = strchr(argument, '=') + 1;
	result = yaml_tree_read(r, set_place.file, false, typed, strlen(typed), &value);
	if (!result && !value)
		value = node_scalar(r->arena, set_place, "", 0);
	if (result)
		return result;
	if (!value)
		return -ENOMEM;
	if (value->kind == NODE_SCALAR && !value->length && value->style == NODE_PLAIN)
		value->null = true;
	/* What comes out is read by functions that call themselves, so it is no deeper than files may be. */
	if (path_parts(argument) + value->height > YAML_DEPTH_MAX)
		return refuse(r, argument, "nested too deep");
	result = find_slot(r, root, argument, &typed, &slot);
	if (!result)
		*slot = value;
	return result;
}
