#include "conf/option.h"

#include "conf/interpolate.h"
#include "conf/option_apply.h"
#include "conf/yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILL_BYTES_MAX = 64 << 20 };

static int fill(const struct option *table, void *into, const char *yaml, struct arena *arena,
		struct problems *problems)
{
	struct option_scope scope = {.arena = arena, .problems = problems, .noun = "option"};
	struct option_target target = {table, into};
	struct interpolation in = {.arena = arena, .problems = problems};
	struct place at = {"options", 1, 1};
	struct yaml_reader reader;
	struct node *root = NULL;
	char *text = arena_copy(arena, yaml, strlen(yaml));
	int filled, result;

	if (!text)
		return -ENOMEM;
	yaml_reader_init(&reader, arena, problems);
	result = yaml_tree_read(&reader, at.file, true, text, strlen(text), &root);
	if (!result && !root)
		root = node_map(arena, at);
	if (result)
		return result;
	if (!root)
		return -ENOMEM;
	if (root->kind != NODE_MAP) {
		problem_add(problems, root->at, "%s where a map is needed; write name: value",
			    node_kind_name(root));
		return -EINVAL;
	}
	filled = interpolate(&in, root);
	if (filled == -ENOMEM)
		return filled;
	result = option_apply(&scope, &target, 1, root, at);
	return result ? result : filled;
}

int option_fill(const struct option *table, void *into, size_t size, const char *yaml,
		struct problems *problems, void **ret_arena)
{
	struct arena *arena = malloc(sizeof(*arena));
	int result = -ENOMEM;

	memset(into, 0, size);
	if (arena) {
		arena_init(arena, FILL_BYTES_MAX);
		result = fill(table, into, yaml, arena, problems);
	}
	if (!result) {
		*ret_arena = arena;
		return 0;
	}
	if (result == -ENOMEM)
		problem_add(problems, (struct place){.file = "options"},
			    "no memory left for the options");
	option_fill_release(arena);
	memset(into, 0, size);
	return -EINVAL;
}

void option_fill_release(void *arena)
{
	if (!arena)
		return;
	arena_release(arena);
	free(arena);
}
