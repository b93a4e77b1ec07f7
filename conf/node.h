/* node.h - a YAML value with its place: what the files hold, before anything is known about its meaning.
 *
 *   map  -> pairs {key, value}...      keys are scalars without NUL bytes, each once, in the order written
 *   list -> items...
 *   scalar: bytes, and how it was written
 *
 * A tree, never a graph: an alias is a copy, so that what is set in one place changes nothing elsewhere.
 * Threads: one. Memory: an arena's. Layer: conf. */
#pragma once

#include "conf/arena.h"
#include "conf/place.h"

#include <stdbool.h>
#include <stddef.h>

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };
enum node_style { NODE_PLAIN, NODE_SINGLE_QUOTED, NODE_DOUBLE_QUOTED, NODE_BLOCK };

struct node_pair;

struct node {
	enum node_kind kind;
	enum node_style style; /* scalars */
	bool null;             /* a plain scalar that is empty, `null` or `~` */
	/* Something is wrong with it that has been told; who needs the value keeps quiet. */
	bool broken;
	bool secret; /* scalars: what came from ${file:...} is in it */
	struct place at;

	const char *bytes; /* scalars; NUL-terminated after `length` */
	size_t length;
	/* Scalars that hold a `$`: as it stands in the file from `at` on; NULL: no such place. */
	const char *raw;
	size_t raw_length;
	/* Scalars: where its bytes are in the file, as in struct text (conf/option.h). */
	int lead;

	/* What --set came with, which is a text or more than that, as the option wants it: a map's, the text as it was
	 * typed; a scalar's: it would have been a list of several items. */
	struct node *typed;
	bool typed_list;

	struct node **items;     /* lists */
	struct node_pair *pairs; /* maps */
	size_t count, room;      /* items or pairs */

	size_t size;     /* how many nodes it takes to copy it: itself and all below */
	unsigned height; /* 1 for a scalar, one more for each level of lists and maps */
};

struct node_pair {
	struct node *key, *value;
};

/* NULL when memory is out (all of these that return a pointer or -ENOMEM). */
struct node *node_scalar(struct arena *a, struct place at, const char *bytes, size_t length);
struct node *node_map(struct arena *a, struct place at);
struct node *node_copy(struct arena *a, const struct node *n);

/* Adds at the end; does not look whether the key is there already. 0 or -ENOMEM. Counts the new nodes' size and height
 * into n alone, not into what n stands in. */
int node_add_item(struct arena *a, struct node *list, struct node *item);
int node_add_pair(struct arena *a, struct node *map, struct node *key, struct node *value);

/* NULL when n is no map or has no such key. */
struct node_pair *node_find(const struct node *n, const char *key);

/* What a text is taken from: n, or what was typed for it. */
const struct node *node_as_text(const struct node *n);

/* "a map", "a list", "a single value": for messages. */
const char *node_kind_name(const struct node *n);
