#include "conf/option_apply.h"

#include "conf/excerpt.h"
#include "conf/option_value.h"
#include "conf/reserved.h"
#include "conf/suggest.h"
#include "conf/yaml_tree.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static int apply_group(const struct option_scope *scope, const struct option *o,
		       const struct node *n, struct place at, void *into)
{
	struct option_target target = {o->group, into};
	struct option first = o->group[0];
	int result;

	assert(first.name);
	if (n->broken)
		return -EINVAL;
	if (n->kind == NODE_MAP)
		return option_apply(scope, &target, 1, n, at);
	if (n->null || !option_is_short(&first) ||
	    (n->kind == NODE_LIST && first.type != OPTION_TEXTS)) {
		problem_add(scope->problems, n->at, "`%s` %s%s; write {%s: ...}", o->name,
			    n->null ? "has no value" : "is ", n->null ? "" : node_kind_name(n),
			    first.name);
		return -EINVAL;
	}
	/* The shorthand: who wrote it knows only the group's name. */
	first.name = o->name;
	result =
	    option_value_set(&first, n, (char *)into + first.offset, scope->arena, scope->problems);
	target.table++;
	return result_worse(result,
			    option_apply(scope, &target, 1, &(struct node){.kind = NODE_MAP}, at));
}

static int apply_written(const struct option_scope *scope, const struct option *o,
			 const struct node *n, struct place at, void *into)
{
	void *field = (char *)into + o->offset;

	if (o->type != OPTION_GROUP)
		return option_value_set(o, n, field, scope->arena, scope->problems);
	if (o->given_offset)
		*(bool *)((char *)into + o->given_offset) = true;
	return apply_group(scope, o, n, at, field);
}

struct node *option_preset(const struct option *o, struct arena *arena)
{
	struct node *n = NULL;
	struct problems problems;
	struct yaml_reader reader;
	int result;

	problems_init(&problems);
	yaml_reader_init(&reader, arena, &problems);
	result = yaml_tree_read(&reader, "default", false, o->preset, strlen(o->preset), &n);
	assert(result == 0 || result == -ENOMEM);
	assert(result || n);
	problems_release(&problems);
	return n;
}

static int apply_preset(const struct option_scope *scope, const struct option *o, void *into)
{
	struct option_scope own = *scope;
	struct problems problems;
	struct node *n = option_preset(o, scope->arena);
	struct place at = {.file = "default"};
	int result;

	if (!n)
		return -ENOMEM;
	problems_init(&problems);
	own.problems = &problems;
	if (o->type == OPTION_GROUP)
		result = apply_group(&own, o, n, at, (char *)into + o->offset);
	else
		result = apply_written(&own, o, n, at, into);
	assert(result == 0 || result == -ENOMEM);
	problems_release(&problems);
	return result;
}

static int apply_unwritten(const struct option_scope *scope, const struct option *o, bool missed,
			   struct place at, void *into)
{
	struct option_target group = {o->group, (char *)into + o->offset};
	char want[OPTION_WANT_ROOM];

	if (missed && o->required) {
		option_value_want(o, want);
		problem_add(scope->problems, at,
			    "the required %s `%s` is missing; write `%s:` and %s", scope->noun,
			    o->name, o->name, want);
		return -EINVAL;
	}
	if (o->preset)
		return apply_preset(scope, o, into);
	if (o->type == OPTION_GROUP)
		return option_apply(scope, &group, 1, NULL, at);
	return 0;
}

/* What names the map may hold, one after the other; NULL behind the last. */
struct known_names {
	const struct option_scope *scope;
	const struct option_target *targets;
	size_t target_count, target, index;
};

static const char *next_name(struct known_names *k)
{
	const char *name;

	while (k->target < k->target_count) {
		name = k->targets[k->target].table[k->index++].name;
		if (name)
			return name;
		k->target++;
		k->index = 0;
	}
	name = k->scope->others ? k->scope->others[k->index] : NULL;
	k->index += name != NULL;
	return name;
}

static bool is_known(struct known_names known, const struct node *key)
{
	const char *name = next_name(&known);

	while (name && (strlen(name) != key->length || memcmp(name, key->bytes, key->length) != 0))
		name = next_name(&known);
	return name != NULL;
}

/* The name that was probably meant, or NULL. */
static const char *nearest(struct known_names known, const struct node *key)
{
	struct suggest suggest;

	suggest_init(&suggest, key->bytes, key->length);
	for (const char *name = next_name(&known); name; name = next_name(&known))
		suggest_consider(&suggest, name);
	return suggest.best;
}

/* Who mistyped a name, and is told, isn't to be told on top that it is missing. */
static bool is_mistyped(const struct known_names *known, const struct node *map, const char *name)
{
	for (size_t i = 0; i < map->count && !known->scope->lenient; i++) {
		const struct node *key = map->pairs[i].key;
		if (!is_known(*known, key) && !reserved_word(key->bytes, key->length) &&
		    nearest(*known, key) == name)
			return true;
	}
	return false;
}

static int apply_table(const struct known_names *known, const struct option_target *target,
		       const struct node *map, struct place at)
{
	const struct option_scope *scope = known->scope;
	int result = 0;

	for (const struct option *o = target->table; o->name && result != -ENOMEM; o++) {
		const struct node_pair *pair = map ? node_find(map, o->name) : NULL;
		int r;
		if (pair)
			r = apply_written(scope, o, pair->value, pair->key->at, target->into);
		else
			r = apply_unwritten(scope, o, map && !is_mistyped(known, map, o->name), at,
					    target->into);
		result = result_worse(r, result);
	}
	return result;
}

/* "`a`, `b` or `c`", as far as there is room. */
static void list_names(struct known_names k, char *text, size_t room)
{
	const char *name = next_name(&k), *next;
	size_t length = 0;

	*text = 0;
	for (bool first = true; name && length < room; first = false, name = next) {
		const char *joint;
		next = next_name(&k);
		joint = first ? "" : next ? ", " : " or ";
		length += (size_t)snprintf(text + length, room - length, "%s`%s`", joint, name);
	}
	if (length >= room)
		memcpy(text + room - sizeof("..."), "...", sizeof("..."));
}

static void tell_unknown(struct known_names known, const struct node *key)
{
	const struct option_scope *scope = known.scope;
	struct excerpt e = excerpt_of(key->bytes, key->length, false);
	const char *meant = nearest(known, key);
	char names[OPTION_WANT_ROOM];

	list_names(known, names, sizeof(names));
	if (reserved_word(key->bytes, key->length))
		problem_add(scope->problems, key->at,
			    "the %s `%s` is not in this version; leave it out", scope->noun,
			    e.text);
	else if (meant)
		problem_add(scope->problems, key->at, "unknown %s `%s`; did you mean `%s`?",
			    scope->noun, e.text, meant);
	else
		problem_add(scope->problems, key->at, "unknown %s `%s`; there is %s", scope->noun,
			    e.text, names);
}

static int check_names(const struct known_names *known, const struct node *map)
{
	int result = 0;

	for (size_t i = 0; i < map->count; i++) {
		if (is_known(*known, map->pairs[i].key))
			continue;
		tell_unknown(*known, map->pairs[i].key);
		result = -EINVAL;
	}
	return result;
}

int option_apply(const struct option_scope *scope, const struct option_target *targets,
		 size_t target_count, const struct node *map, struct place at)
{
	struct known_names known = {
	    .scope = scope, .targets = targets, .target_count = target_count};
	int result = 0;

	for (size_t i = 0; i < target_count && result != -ENOMEM; i++)
		result = result_worse(apply_table(&known, &targets[i], map, at), result);
	if (map && !scope->lenient && result != -ENOMEM)
		result = result_worse(check_names(&known, map), result);
	return result;
}
