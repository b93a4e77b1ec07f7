#include "conf/node.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct node *node_scalar(struct arena *a, struct place at, const char *bytes, size_t length)
{
	struct node *n = arena_take(a, sizeof(*n));
	const char *copy = arena_copy(a, bytes, length);

	if (!n || !copy)
		return NULL;
	*n = (struct node){.kind = NODE_SCALAR, .at = at, .bytes = copy, .length = length};
	n->size = 1;
	n->height = 1;
	return n;
}

struct node *node_map(struct arena *a, struct place at)
{
	struct node *n = arena_take(a, sizeof(*n));

	if (n)
		*n = (struct node){.kind = NODE_MAP, .at = at, .size = 1, .height = 1};
	return n;
}

/* Recursion ends: a tree's height is bounded where it is read. Bytes are shared, as nobody changes them in place. */
struct node *node_copy(struct arena *a, const struct node *n)
{
	struct node *copy = arena_take(a, sizeof(*copy));
	int result = 0;

	if (!copy)
		return NULL;
	*copy = *n;
	if (n->kind == NODE_SCALAR)
		return copy;
	copy->items = NULL;
	copy->pairs = NULL;
	copy->count = copy->room = 0;
	copy->size = 1;
	for (size_t i = 0; i < n->count && !result; i++) {
		struct node *value = n->kind == NODE_MAP ? n->pairs[i].value : n->items[i];
		value = node_copy(a, value);
		if (!value)
			return NULL;
		if (n->kind == NODE_LIST) {
			result = node_add_item(a, copy, value);
		} else {
			struct node *key = node_copy(a, n->pairs[i].key);
			result = key ? node_add_pair(a, copy, key, value) : -ENOMEM;
		}
	}
	return result ? NULL : copy;
}

static void count_child(struct node *parent, const struct node *child)
{
	parent->size += child->size;
	if (parent->height < child->height + 1)
		parent->height = child->height + 1;
}

int node_add_item(struct arena *a, struct node *list, struct node *item)
{
	struct node **items;

	assert(list->kind == NODE_LIST);
	items = arena_grow(a, list->items, list->count, &list->room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->count++] = item;
	count_child(list, item);
	return 0;
}

int node_add_pair(struct arena *a, struct node *map, struct node *key, struct node *value)
{
	struct node_pair *pairs;

	assert(map->kind == NODE_MAP && key->kind == NODE_SCALAR);
	pairs = arena_grow(a, map->pairs, map->count, &map->room, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	map->pairs = pairs;
	map->pairs[map->count++] = (struct node_pair){key, value};
	count_child(map, key);
	count_child(map, value);
	return 0;
}

struct node_pair *node_find(const struct node *n, const char *key)
{
	size_t length = strlen(key);

	if (n->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < n->count; i++) {
		const struct node *k = n->pairs[i].key;
		if (k->length == length && !memcmp(k->bytes, key, length))
			return &n->pairs[i];
	}
	return NULL;
}

const struct node *node_as_text(const struct node *n)
{
	return n->typed ? n->typed : n;
}

const char *node_kind_name(const struct node *n)
{
	switch (n->kind) {
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a map";
	case NODE_SCALAR:
		break;
	}
	return "a single value";
}
