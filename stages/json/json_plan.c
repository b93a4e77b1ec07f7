#include "stages/json/json_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SLOTS_MIN = 2 };

/* A node more, with room for one name. *ret_node is its number. */
static int add_node(struct json_plan *p, uint32_t *ret_node)
{
	struct json_node *nodes = realloc(p->nodes, (p->count + 1) * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	p->nodes = nodes;
	struct json_slot *slots = calloc(SLOTS_MIN, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	nodes[p->count] =
	    (struct json_node){.slots = slots, .mask = SLOTS_MIN - 1, .column = JSON_NO_COLUMN};
	*ret_node = p->count++;
	return 0;
}

int json_plan_init(struct json_plan *p, uint32_t depth_max)
{
	assert(depth_max >= 1 && depth_max <= JSON_DEPTH_MAX);
	uint32_t nobody, root;
	*p = (struct json_plan){.depth_max = depth_max};
	int r = add_node(p, &nobody);
	if (r == 0)
		r = add_node(p, &root);
	if (r < 0)
		json_plan_release(p);
	else
		assert(nobody == 0 && root == JSON_ROOT);
	return r;
}

static void put_slot(struct json_node *n, struct json_slot slot)
{
	uint32_t i = json_name_slot(n, slot.word);
	while (n->slots[i].node)
		i = (i + 1) & n->mask;
	n->slots[i] = slot;
}

/* Doubles the table when another name would fill more than half of it. */
static int make_room(struct json_node *n)
{
	const uint32_t had = n->mask + 1;
	if ((n->children + 1) * 2 <= had)
		return 0;
	struct json_slot *old = n->slots, *slots = calloc((size_t)had * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	n->slots = slots;
	n->mask = had * 2 - 1;
	for (uint32_t i = 0; i < had; i++) {
		if (old[i].node)
			put_slot(n, old[i]);
	}
	free(old);
	return 0;
}

static bool copy_name(struct json_slot *slot, struct json_name name)
{
	uint8_t *copy = malloc(name.length + 1);
	if (!copy)
		return false;
	if (name.length)
		memcpy(copy, name.bytes, name.length);
	*slot = (struct json_slot){.word = json_name_word(copy, name.length, name.length),
				   .name = copy,
				   .length = (uint32_t)name.length};
	return true;
}

static int add_child(struct json_plan *p, uint32_t parent, struct json_name name,
		     uint32_t *ret_node)
{
	struct json_slot slot;
	if (!copy_name(&slot, name))
		return -ENOMEM;
	int r = make_room(&p->nodes[parent]);
	if (r == 0)
		r = add_node(p, ret_node);
	if (r < 0) {
		free((void *)(uintptr_t)slot.name);
		return r;
	}
	slot.node = *ret_node;
	put_slot(&p->nodes[parent], slot);
	p->nodes[parent].children++;
	return 0;
}

static int add_below(struct json_node *n, uint16_t column)
{
	uint16_t *below = realloc(n->below, (n->below_count + 1u) * sizeof(*below));
	if (!below)
		return -ENOMEM;
	below[n->below_count++] = column;
	n->below = below;
	return 0;
}

/* One name on from *node, which is made when it is not there; column is below where it came from. */
static int go_down(struct json_plan *p, uint32_t *node, struct json_name name, uint16_t column)
{
	int r = add_below(&p->nodes[*node], column);
	if (r < 0)
		return r;
	uint32_t child = json_plan_find(&p->nodes[*node], name.bytes, name.length, name.length);
	if (child == 0) {
		r = add_child(p, *node, name, &child);
		if (r < 0)
			return r;
	}
	*node = child;
	return 0;
}

int json_plan_want(struct json_plan *p, const struct json_name *names, size_t count,
		   uint16_t column)
{
	assert(column != JSON_NO_COLUMN);
	if (count == 0 || count > p->depth_max)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (names[i].length > JSON_NAME_MAX)
			return -ENAMETOOLONG;
	}
	uint32_t node = JSON_ROOT;
	for (size_t i = 0; i < count; i++) {
		int r = go_down(p, &node, names[i], column);
		if (r < 0)
			return r;
	}
	if (p->nodes[node].column != JSON_NO_COLUMN && p->nodes[node].column != column)
		return -EEXIST;
	p->nodes[node].column = column;
	if (p->columns <= column)
		p->columns = (uint16_t)(column + 1);
	return 0;
}

int json_plan_want_path(struct json_plan *p, const char *path, size_t length, uint16_t column)
{
	struct json_name names[JSON_DEPTH_MAX];
	const char *end = path + length;
	size_t count = 0;
	for (const char *at = path; at <= end; count++) {
		const char *dot = memchr(at, '.', (size_t)(end - at));
		const char *stop = dot ? dot : end;
		if (count == JSON_DEPTH_MAX)
			return -EINVAL;
		names[count] = (struct json_name){(const uint8_t *)at, (size_t)(stop - at)};
		at = stop + 1;
	}
	return json_plan_want(p, names, count, column);
}

void json_plan_release(struct json_plan *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct json_node *n = &p->nodes[i];
		for (uint32_t slot = 0; slot <= n->mask; slot++)
			free((void *)(uintptr_t)n->slots[slot].name);
		free(n->slots);
		free(n->below);
	}
	free(p->nodes);
	*p = (struct json_plan){0};
}
