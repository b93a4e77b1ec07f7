#include "conf/test_draft.h"

#include "conf/excerpt.h"
#include "conf/option_apply.h"
#include "conf/test_keys.h"

#include <errno.h>
#include <string.h>

struct reading {
	struct arena *arena;
	struct problems *problems;
};

typedef int read_item(const struct reading *r, const struct node *n, void *into);

static int refuse(const struct reading *r, const struct node *n, const char *name, const char *want)
{
	if (!n->broken)
		problem_add(r->problems, n->at, "%s %s%s; write %s", name,
			    n->null ? "has no value" : "is ", n->null ? "" : node_kind_name(n),
			    want);
	return -EINVAL;
}

static int apply(const struct reading *r, const struct option *table, void *into,
		 const char *const *others, const struct node *map)
{
	struct option_scope scope = {
	    .arena = r->arena, .problems = r->problems, .noun = "key", .others = others};
	struct option_target target = {table, into};

	return option_apply(&scope, &target, 1, map, map->at);
}

/* The items of a list, those that are good one after the other. result is made worse by what is wrong with them. */
static void *read_list(const struct reading *r, const struct node *list, size_t size,
		       read_item *read, size_t *ret_count, int *result)
{
	char *items = arena_take(r->arena, list->count * size);

	*ret_count = 0;
	if (!items)
		*result = -ENOMEM;
	for (size_t i = 0; i < list->count && *result != -ENOMEM; i++) {
		int one = read(r, list->items[i], items + *ret_count * size);
		*ret_count += one == 0;
		*result = result_worse(one, *result);
	}
	return items;
}

/* ---- input ---- */

static int read_field(const struct reading *r, const struct node_pair *pair,
		      struct test_field *field)
{
	const struct node *key = pair->key, *value = node_as_text(pair->value);

	if (value->broken)
		return -EINVAL;
	if (value->kind != NODE_SCALAR) {
		problem_add(r->problems, value->at,
			    "the field `%s` is %s; write a single value, or put it into the body "
			    "and enter at what parses it",
			    excerpt_of(key->bytes, key->length, key->secret).text,
			    node_kind_name(value));
		return -EINVAL;
	}
	*field = (struct test_field){
	    .name = {.bytes = key->bytes, .length = key->length, .at = key->at, .lead = key->lead},
	    .value = {.bytes = value->null ? NULL : value->bytes,
		      .length = value->length,
		      .at = value->at,
		      .secret = value->secret,
		      .lead = value->lead},
	    .is_plain = value->style == NODE_PLAIN,
	};
	return 0;
}

static int read_fields(const struct reading *r, const struct node *map, struct test_record *record)
{
	int result = 0;

	if (map->broken || map->kind != NODE_MAP)
		return refuse(r, map, "`fields`", "a map like {status: 500}");
	record->fields = arena_take(r->arena, map->count * sizeof *record->fields);
	if (!record->fields)
		return -ENOMEM;
	for (size_t i = 0; i < map->count; i++) {
		int one = read_field(r, &map->pairs[i], &record->fields[record->field_count]);
		record->field_count += one == 0;
		result = result_worse(one, result);
	}
	return result;
}

static int read_record(const struct reading *r, const struct node *n, void *into)
{
	struct test_record *record = into;
	const struct node_pair *fields;
	int result;

	*record = (struct test_record){0};
	if (n->broken || n->null || n->kind == NODE_LIST)
		return refuse(r, n, "an item of `input`",
			      "the record as a text, or {body: ..., fields: {...}}");
	if (n->kind == NODE_SCALAR) {
		record->body = (struct text){.bytes = n->bytes,
					     .length = n->length,
					     .at = n->at,
					     .secret = n->secret,
					     .lead = n->lead};
		return 0;
	}
	result = apply(r, record_keys, record, record_maps, n);
	fields = node_find(n, "fields");
	if (!fields || result == -ENOMEM)
		return result;
	return result_worse(read_fields(r, fields->value, record), result);
}

/* ---- expect ---- */

static int read_expectation(const struct reading *r, const struct node *n, void *into)
{
	struct test_expectation *e = into;
	int result;

	*e = (struct test_expectation){.at = n->at};
	if (n->broken || n->kind != NODE_MAP)
		return refuse(r, n, "an item of `expect`", "a map like {from: stage, count: 1}");
	result = apply(r, expectation_keys, e, NULL, n);
	e->has_records = node_find(n, "records") != NULL;
	e->has_count = node_find(n, "count") != NULL;
	if (result || e->has_records || e->has_count || e->each.bytes || e->any.bytes)
		return result;
	problem_add(r->problems, n->at,
		    "nothing is expected from `%s`; write `records`, `count`, `each` or `any`",
		    excerpt_of(e->from.bytes, e->from.length, e->from.secret).text);
	return -EINVAL;
}

/* ---- tests ---- */

/* Of one of test_lists. NULL: it is missing or wrong, which has been told. */
static const struct node *find_list(const struct reading *r, const struct node *map,
				    const char *name, const char *want)
{
	const struct node_pair *pair = node_find(map, name);

	if (!pair) {
		problem_add(r->problems, map->at,
			    "the required key `%s` is missing; write `%s:` and %s", name, name,
			    want);
		return NULL;
	}
	if (!pair->value->broken && pair->value->kind == NODE_LIST && pair->value->count)
		return pair->value;
	if (!pair->value->broken)
		problem_add(r->problems, pair->value->at, "`%s` is %s; write %s", name,
			    pair->value->null || pair->value->kind == NODE_LIST
				? "empty"
				: node_kind_name(pair->value),
			    want);
	return NULL;
}

static int read_test(const struct reading *r, const struct node *n, void *into)
{
	struct topology_test *test = into;
	const struct node *list;
	int result;

	*test = (struct topology_test){.at = n->at};
	if (n->broken || n->kind != NODE_MAP)
		return refuse(r, n, "an item of `tests`",
			      "a map with `name`, `at`, `input` and `expect`");
	result = apply(r, test_keys, test, test_lists, n);
	list = find_list(r, n, "input", "a list of records");
	result = result_worse(list ? 0 : -EINVAL, result);
	if (list && result != -ENOMEM)
		test->records = read_list(r, list, sizeof *test->records, read_record,
					  &test->record_count, &result);
	list = find_list(r, n, "expect", "a list of what is to come out");
	result = result_worse(list ? 0 : -EINVAL, result);
	if (list && result != -ENOMEM)
		test->expectations = read_list(r, list, sizeof *test->expectations,
					       read_expectation, &test->expectation_count, &result);
	return result;
}

int tests_read(struct topology_tests *ret_tests, const struct node *tests, struct arena *arena,
	       struct problems *problems)
{
	struct reading r = {arena, problems};
	int result = 0;

	if (tests->null)
		return 0;
	if (tests->broken || tests->kind != NODE_LIST)
		return refuse(&r, tests, "`tests`",
			      "a list of tests, each with `name`, `at`, `input` and `expect`");
	ret_tests->list =
	    read_list(&r, tests, sizeof *ret_tests->list, read_test, &ret_tests->count, &result);
	return result;
}
