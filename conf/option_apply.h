/* option_apply.h - option tables applied to a YAML map.
 *
 * Threads: one. Memory: texts and lists live in the arena. Layer: conf. */
#pragma once

#include "conf/node.h"
#include "conf/option.h"

/* A table and the zeroed struct it fills. */
struct option_target {
	const struct option *table;
	void *into;
};

struct option_scope {
	struct arena *arena;
	struct problems *problems;
	const char *noun; /* what messages call a name: "option", "key" */
	/* Names that stand in the map for someone else, ends with NULL; NULL: none. */
	const char *const *others;
	bool lenient; /* unknown names are passed over: which table is right isn't known */
};

/* Applies several tables to one map: each takes what it names. Presets fill what isn't written. map NULL: nothing is
 * written, so presets alone, and nothing is missed. `at` is where a missing required option is told. 0; -EINVAL with
 * problems added; -ENOMEM, told by the arena. */
int option_apply(const struct option_scope *scope, const struct option_target *targets,
		 size_t target_count, const struct node *map, struct place at);

/* A group whose first option this is may be written as its value alone. */
static inline bool option_is_short(const struct option *first)
{
	return first->type != OPTION_GROUP && first->type != OPTION_MAP;
}

/* A preset as nodes; NULL when memory is out. */
struct node *option_preset(const struct option *o, struct arena *arena);
