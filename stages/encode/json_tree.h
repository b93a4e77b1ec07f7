/* json_tree.h - the fields that somebody writes, as the objects within each other that they are in JSON.
 *
 *   user.id, user.name, level       root ── "user": ── "id":     column 7
 *                                       │          └── "name":   column 8
 *                                       └── "level":            column 3
 *
 * Threads: any once it is made. Memory: malloc, at load. Layer: stages. */
#pragma once

#include "stages/encode/json_merge.h"
#include "stages/fields.h"
#include "stages/json/json_scan.h"

enum { JSON_TREE_MEMBERS_SPARE = 256, JSON_TREE_OBJECTS_MAX = 8 };

/* What a parser finds. */
struct json_tree_object {
	int column;
	const char *prefix; /* that its members' names get */
	size_t prefix_length;
	uint8_t *escaped; /* as JSON writes it, with its quotes */
	size_t escaped_length;
	struct json_plan plan; /* as the node's, from names without it */
};

struct json_tree_node {
	const char *name; /* the topology's; the root has none */
	size_t length;
	uint8_t *key; /* the name as JSON writes it, and a colon */
	uint32_t key_length;
	uint32_t *children; /* nodes, in the order in which they were first spoken of */
	uint32_t child_count;
	int column; /* -1: nobody writes the whole of it */
	struct json_tree_object objects[JSON_TREE_OBJECTS_MAX]; /* that parsers find and call so */
	uint32_t object_count;
	/* From a name in a record to the child: the plan's columns are places in `children`. */
	struct json_plan plan;
	/* For who writes a record; each node's own, as one is written within the other. */
	struct json_members members;
	struct json_merge merge; /* if several objects may become one, or one with other names */
	struct value *found;     /* by child */
	bool is_put;
};

struct json_tree {
	struct json_tree_node *nodes; /* [0] is the root */
	uint32_t count, room;
};

/* The fields of that set that have a name, and the objects that parsers find. 0, -ENOMEM; -E2BIG: a name is too long, or too
 * many parsers find objects of one name. json_tree_release() in any case. */
int json_tree_init(struct json_tree *t, const struct fields *fields,
		   const struct column_set *written);
/* These fields, which have names, in that order. Likewise. */
int json_tree_init_listed(struct json_tree *t, const struct fields *fields, const unsigned *columns,
			  size_t count);
void json_tree_release(struct json_tree *t);
