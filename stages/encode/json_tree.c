#include "stages/encode/json_tree.h"

#include "stages/json/json_text.h"

#include <errno.h>
#include <stdlib.h>

static int add_node(struct json_tree *t)
{
	if (t->count == t->room) {
		uint32_t room = t->room ? 2 * t->room : 16;
		struct json_tree_node *more = reallocarray(t->nodes, room, sizeof *more);
		if (!more)
			return -ENOMEM;
		t->nodes = more;
		t->room = room;
	}
	t->nodes[t->count] = (struct json_tree_node){.column = -1};
	return (int)t->count++;
}

/* As a JSON string, with room for one byte more; the caller's. NULL: no memory. */
static uint8_t *escape(const char *text, size_t length, size_t *ret_length)
{
	size_t room = json_encoded_max(length);
	uint8_t *escaped = malloc(room + 1);
	if (escaped)
		*ret_length =
		    (size_t)json_encode_string(escaped, room, (const uint8_t *)text, length);
	return escaped;
}

static int set_name(struct json_tree_node *n, const char *name, size_t length)
{
	size_t written;
	n->name = name;
	n->length = length;
	n->key = escape(name, length, &written);
	if (!n->key)
		return -ENOMEM;
	n->key[written] = ':';
	n->key_length = (uint32_t)written + 1;
	return 0;
}

static int link_child(struct json_tree_node *parent, uint32_t child)
{
	uint32_t *more =
	    reallocarray(parent->children, parent->child_count + 1, sizeof *parent->children);
	if (!more)
		return -ENOMEM;
	parent->children = more;
	more[parent->child_count++] = child;
	return 0;
}

/* The child of that name, which is made if there is none; or -errno. */
static int child_of(struct json_tree *t, uint32_t parent, const char *name, size_t length)
{
	for (uint32_t i = 0; i < t->nodes[parent].child_count; i++) {
		uint32_t c = t->nodes[parent].children[i];
		if (t->nodes[c].length == length && memcmp(t->nodes[c].name, name, length) == 0)
			return (int)c;
	}
	int child = add_node(t);
	int r = child < 0 ? child : set_name(&t->nodes[child], name, length);
	if (r == 0)
		r = link_child(&t->nodes[parent], (uint32_t)child);
	return r < 0 ? r : child;
}

/* The node of a path; or -errno. */
static int node_of(struct json_tree *t, const char *path, size_t length)
{
	const char *end = path + length;
	int node = 0;
	while (node >= 0) {
		const char *dot = memchr(path, '.', (size_t)(end - path));
		const char *stop = dot ? dot : end;
		node = child_of(t, (uint32_t)node, path, (size_t)(stop - path));
		if (!dot)
			return node;
		path = dot + 1;
	}
	return node;
}

static int add_field(struct json_tree *t, const struct field *f, unsigned column)
{
	int node = node_of(t, f->name, f->length);
	if (node < 0)
		return node;
	t->nodes[node].column = (int)column;
	return 0;
}

/* What a prefix `app.` stands before is in the object `app`; before `app_`, in the record itself. */
static int add_object(struct json_tree *t, const struct field *f, unsigned column)
{
	const char *dot = f->length > 0 ? memrchr(f->name, '.', f->length) : NULL;
	size_t path = dot ? (size_t)(dot - f->name) : 0, skip = dot ? path + 1 : 0;
	int node = dot ? node_of(t, f->name, path) : 0;
	if (node < 0)
		return node;
	struct json_tree_node *n = &t->nodes[node];
	if (n->object_count == JSON_TREE_OBJECTS_MAX)
		return -E2BIG;
	struct json_tree_object *o = &n->objects[n->object_count++];
	*o = (struct json_tree_object){
	    .column = (int)column, .prefix = f->name + skip, .prefix_length = f->length - skip};
	o->escaped = escape(o->prefix, o->prefix_length, &o->escaped_length);
	return o->escaped ? 0 : -ENOMEM;
}

static bool has_prefix(const struct json_tree_node *n, const char *prefix, size_t length)
{
	return n->length >= length && (length == 0 || memcmp(n->name, prefix, length) == 0);
}

/* From names that get the prefix. */
static int make_plan(const struct json_tree *t, const struct json_tree_node *n, const char *prefix,
		     size_t skip, struct json_plan *plan)
{
	int r = json_plan_init(plan, JSON_DEPTH_MAX);
	for (uint32_t i = 0; i < n->child_count && r == 0; i++) {
		const struct json_tree_node *child = &t->nodes[n->children[i]];
		const struct json_name name = {(const uint8_t *)child->name + skip,
					       child->length - skip};
		if (has_prefix(child, prefix, skip))
			r = json_plan_want(plan, &name, 1, (uint16_t)i);
	}
	return r == -ENAMETOOLONG ? -E2BIG : r;
}

/* An object that is found within a record may be there already. */
static bool merges(const struct json_tree *t, const struct json_tree_node *n)
{
	return n->object_count > 1 ||
	       (n->object_count == 1 && (n != t->nodes || n->objects[0].prefix_length > 0));
}

/* What a node with nothing in it is written as takes none of this. */
static int prepare(const struct json_tree *t, struct json_tree_node *n)
{
	if (n->child_count == 0 && n->object_count == 0)
		return 0;
	int r = make_plan(t, n, "", 0, &n->plan);
	for (uint32_t i = 0; i < n->object_count && r == 0; i++) {
		struct json_tree_object *o = &n->objects[i];
		r = make_plan(t, n, o->prefix, o->prefix_length, &o->plan);
	}
	if (r == 0 && merges(t, n))
		r = json_merge_init(&n->merge);
	n->members.room = 4 * n->child_count + JSON_TREE_MEMBERS_SPARE;
	n->members.at = calloc(n->members.room, sizeof *n->members.at);
	n->found = calloc(n->child_count + 1, sizeof *n->found);
	return n->members.at && n->found ? r : -ENOMEM;
}

static int prepare_all(struct json_tree *t)
{
	int r = 0;
	for (uint32_t i = 0; i < t->count && r == 0; i++)
		r = prepare(t, &t->nodes[i]);
	return r;
}

int json_tree_init(struct json_tree *t, const struct fields *fields,
		   const struct column_set *written)
{
	*t = (struct json_tree){.nodes = NULL};
	int r = add_node(t);
	for (unsigned c = 0; c < fields->count && r >= 0; c++) {
		const struct field *f = &fields->list[c];
		if (!column_set_has(written, c))
			continue;
		if (f->known == FIELD_OBJECT)
			r = add_object(t, f, c);
		else if (f->known < FIELD_RECORD_TIME)
			r = add_field(t, f, c);
	}
	return r < 0 ? r : prepare_all(t);
}

int json_tree_init_listed(struct json_tree *t, const struct fields *fields, const unsigned *columns,
			  size_t count)
{
	*t = (struct json_tree){.nodes = NULL};
	int r = add_node(t);
	for (size_t i = 0; i < count && r >= 0; i++)
		r = add_field(t, &fields->list[columns[i]], columns[i]);
	return r < 0 ? r : prepare_all(t);
}

static void release_node(struct json_tree_node *n)
{
	free(n->key);
	free(n->children);
	free(n->members.at);
	free(n->found);
	json_merge_release(&n->merge);
	json_plan_release(&n->plan);
	for (uint32_t i = 0; i < n->object_count; i++) {
		json_plan_release(&n->objects[i].plan);
		free(n->objects[i].escaped);
	}
}

void json_tree_release(struct json_tree *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		release_node(&t->nodes[i]);
	free(t->nodes);
	*t = (struct json_tree){.nodes = NULL};
}
