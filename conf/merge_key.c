/* All pairs that a map could have are put in one array with their rank, sorted by key and rank so that the one that
 * wins comes first, thinned, and sorted back: no more than n log n, whatever is merged into what. */
#include "conf/merge_key.h"

#include "conf/excerpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
	struct node_pair pair;
	size_t rank;  /* 0: the map's own; 1, 2, ...: merged in, the first to be preferred */
	size_t order; /* of all candidates */
};

struct candidates {
	struct candidate *list;
	size_t count, room;
};

static bool is_merge_key(const struct node *key)
{
	return key->style == NODE_PLAIN && key->length == 2 && !memcmp(key->bytes, "<<", 2);
}

static int add_candidate(struct arena *arena, struct candidates *c, struct node_pair pair,
			 size_t rank)
{
	struct candidate *list = arena_grow(arena, c->list, c->count, &c->room, sizeof(*list));

	if (!list)
		return -ENOMEM;
	c->list = list;
	c->list[c->count] = (struct candidate){pair, rank, c->count};
	c->count++;
	return 0;
}

static int add_merged(struct arena *arena, struct candidates *c, const struct node *from,
		      size_t rank, struct problems *problems)
{
	int result = 0;

	if (from->kind != NODE_MAP) {
		problem_add(problems, from->at,
			    "`<<` is %s; it takes a map or a list of maps, as *aliases",
			    node_kind_name(from));
		return -EINVAL;
	}
	for (size_t i = 0; i < from->count && !result; i++)
		result = add_candidate(arena, c, from->pairs[i], rank);
	return result;
}

static int add_merge_value(struct arena *arena, struct candidates *c, const struct node *value,
			   struct problems *problems)
{
	int result = 0;

	if (value->kind != NODE_LIST)
		return add_merged(arena, c, value, 1, problems);
	for (size_t i = 0; i < value->count && result != -ENOMEM; i++) {
		int r = add_merged(arena, c, value->items[i], i + 1, problems);
		result = result_worse(r, result);
	}
	return result;
}

static int compare_keys(const struct node *a, const struct node *b)
{
	size_t shorter = a->length < b->length ? a->length : b->length;
	int order = memcmp(a->bytes, b->bytes, shorter);

	return order ? order : (a->length > b->length) - (a->length < b->length);
}

static int by_key(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	int order = compare_keys(a->pair.key, b->pair.key);

	if (!order)
		order = (a->rank > b->rank) - (a->rank < b->rank);
	return order ? order : (a->order > b->order) - (a->order < b->order);
}

static int by_order(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return (a->order > b->order) - (a->order < b->order);
}

static void tell_duplicate(const struct node *key, const struct node *first,
			   struct problems *problems)
{
	struct excerpt e = excerpt_of(key->bytes, key->length, false);
	struct place at = first->at;

	if (strcmp(at.file, key->at.file) != 0)
		problem_add(problems, key->at, "`%s` stands twice, first at %s:%u:%u; keep one",
			    e.text, at.file, at.line, at.column);
	else if (at.line)
		problem_add(problems, key->at, "`%s` stands twice, first at %u:%u; keep one",
			    e.text, at.line, at.column);
	else
		problem_add(problems, key->at, "`%s` stands twice in one map; keep one", e.text);
}

/* Keeps the first of each key; -EINVAL when the map itself has one twice. */
static int thin_out(struct candidates *c, struct problems *problems)
{
	size_t kept = 0;
	int result = 0;

	qsort(c->list, c->count, sizeof(*c->list), by_key);
	for (size_t i = 0; i < c->count; i++) {
		const struct node *key = c->list[i].pair.key;
		if (!kept || compare_keys(c->list[kept - 1].pair.key, key)) {
			c->list[kept++] = c->list[i];
		} else if (!c->list[i].rank) {
			tell_duplicate(key, c->list[kept - 1].pair.key, problems);
			result = -EINVAL;
		}
	}
	c->count = kept;
	qsort(c->list, c->count, sizeof(*c->list), by_order);
	return result;
}

/* The map's own pairs and, in the same array, what its `<<` bring. */
static int gather(struct arena *arena, const struct node *map, struct candidates *c,
		  struct problems *problems)
{
	const struct node *merge = NULL;
	int result = 0;

	for (size_t i = 0; i < map->count && result != -ENOMEM; i++) {
		struct node_pair pair = map->pairs[i];
		int r;
		if (!is_merge_key(pair.key)) {
			r = add_candidate(arena, c, pair, 0);
		} else if (merge) {
			tell_duplicate(pair.key, merge, problems);
			r = -EINVAL;
		} else {
			merge = pair.key;
			r = add_merge_value(arena, c, pair.value, problems);
		}
		result = result_worse(r, result);
	}
	return result;
}

int merge_keys(struct arena *arena, struct node *map, struct problems *problems)
{
	struct candidates c = {0};
	int gathered, thinned, result = 0;

	if (!map->count)
		return 0;
	gathered = gather(arena, map, &c, problems);
	if (gathered == -ENOMEM)
		return gathered;
	thinned = c.count ? thin_out(&c, problems) : 0;
	map->count = 0;
	map->size = 1;
	map->height = 1;
	for (size_t i = 0; i < c.count && !result; i++)
		result = node_add_pair(arena, map, c.list[i].pair.key, c.list[i].pair.value);
	if (result)
		return result;
	return result_worse(gathered, thinned);
}
