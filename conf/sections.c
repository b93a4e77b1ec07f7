#include "conf/sections.h"

#include "conf/merge_key.h"
#include "conf/schema.h"
#include "conf/topology_keys.h"

#include <errno.h>
#include <string.h>

static bool is_section(const struct node *key)
{
	for (size_t i = 0; i < STAGE_KINDS; i++)
		if (key->length == strlen(stage_section_names[i]) &&
		    !memcmp(key->bytes, stage_section_names[i], key->length))
			return true;
	return false;
}

static int refuse_section(const struct node_pair *pair, struct problems *problems)
{
	if (pair->value->broken)
		return -EINVAL;
	problem_add(problems, pair->value->at,
		    "`%s` is %s; write a map of stages, each under its name", pair->key->bytes,
		    node_kind_name(pair->value));
	return -EINVAL;
}

static int add_section(struct arena *arena, struct node *root, const struct node_pair *pair,
		       struct problems *problems)
{
	const struct node *value = pair->value;
	struct node_pair *known = node_find(root, pair->key->bytes);
	struct node *section = known ? known->value : NULL;
	int result = 0;

	if (value->null)
		return 0;
	if (value->kind != NODE_MAP)
		return refuse_section(pair, problems);
	if (!section) {
		section = node_map(arena, value->at);
		result = section ? node_add_pair(arena, root, pair->key, section) : -ENOMEM;
	}
	for (size_t i = 0; i < value->count && !result; i++)
		result = node_add_pair(arena, section, value->pairs[i].key, value->pairs[i].value);
	return result;
}

/* What each file tests comes one after the other. False: there is nothing yet that it comes behind. */
static bool add_to_list(struct arena *arena, struct node *root, const struct node_pair *pair,
			int *result)
{
	struct node_pair *known = node_find(root, pair->key->bytes);

	if (strcmp(pair->key->bytes, tests_key) != 0 || pair->value->kind != NODE_LIST || !known ||
	    known->value->kind != NODE_LIST)
		return false;
	for (size_t i = 0; i < pair->value->count && *result != -ENOMEM; i++)
		*result = result_worse(node_add_item(arena, known->value, pair->value->items[i]),
				       *result);
	return true;
}

int sections_add(struct arena *arena, struct node *root, const struct node *file_root,
		 struct problems *problems)
{
	int result = 0;

	for (size_t i = 0; i < file_root->count && result != -ENOMEM; i++) {
		const struct node_pair *pair = &file_root->pairs[i];
		int r = 0;
		if (is_section(pair->key))
			r = add_section(arena, root, pair, problems);
		else if (!add_to_list(arena, root, pair, &r))
			r = node_add_pair(arena, root, pair->key, pair->value);
		result = result_worse(r, result);
	}
	return result;
}

int sections_check(struct arena *arena, struct node *root, struct problems *problems)
{
	int result = 0;

	for (size_t i = 0; i < root->count && result != -ENOMEM; i++)
		if (is_section(root->pairs[i].key))
			result =
			    result_worse(merge_keys(arena, root->pairs[i].value, problems), result);
	return result == -ENOMEM ? result : result_worse(merge_keys(arena, root, problems), result);
}

int sections_find(const struct node *root, const char *name, struct problems *problems,
		  const struct node **ret_section)
{
	const struct node_pair *pair = node_find(root, name);

	*ret_section = NULL;
	if (!pair || pair->value->null)
		return 0;
	if (pair->value->kind != NODE_MAP)
		return refuse_section(pair, problems);
	*ret_section = pair->value;
	return 0;
}
