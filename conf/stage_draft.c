#include "conf/stage_draft.h"

#include "conf/excerpt.h"
#include "conf/option_apply.h"
#include "conf/stage_keys.h"
#include "conf/suggest.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

enum { ID_BYTES_MAX = 64 };
#define SPILL_BYTES (UINT64_C(1) << 30) /* unless it is said */

struct reading {
	struct stage_draft *draft;
	const struct stage_catalog *catalog;
	struct arena *arena;
	struct problems *problems;
};

static bool is_id_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static int check_id(const struct text *id, struct problems *problems)
{
	bool good = id->length && id->length <= ID_BYTES_MAX && id->bytes[0] != '-';

	for (size_t i = 0; i < id->length; i++)
		good = good && is_id_byte(id->bytes[i]);
	if (good)
		return 0;
	problem_add(
	    problems, id->at,
	    "`%s` can't name a stage; take up to %d letters, digits, `_` and `-`, no `-` first",
	    excerpt_of(id->bytes, id->length, false).text, ID_BYTES_MAX);
	return -EINVAL;
}

static void tell_type(const struct reading *r, const struct node *type)
{
	enum stage_kind kind = r->draft->kind;
	const char *kind_name = stage_kind_names[kind];
	struct excerpt e = excerpt_of(type->bytes, type->length, type->secret);
	struct suggest suggest;

	for (const struct stage_left_out *l = r->catalog->left_out; l && l->name; l++) {
		if (l->kind != kind || strlen(l->name) != type->length ||
		    memcmp(l->name, type->bytes, type->length) != 0)
			continue;
		problem_add(r->problems, type->at,
			    "no `%s` in this build, which was made without %s; build it with that",
			    l->name, l->library);
		return;
	}
	for (int k = 0; k < STAGE_KINDS; k++) {
		enum stage_kind other = (enum stage_kind)k;
		if (other == kind ||
		    !stage_schema_find(r->catalog, other, type->bytes, type->length))
			continue;
		problem_add(r->problems, type->at, "`%s` is a %s, not a %s; put it under `%s`",
			    e.text, stage_kind_names[other], kind_name, stage_section_names[other]);
		return;
	}
	suggest_init(&suggest, type->bytes, type->length);
	for (size_t i = 0; r->catalog->types[i]; i++)
		if (r->catalog->types[i]->kind == kind)
			suggest_consider(&suggest, r->catalog->types[i]->name);
	if (suggest.best)
		problem_add(r->problems, type->at, "unknown %s type `%s`; did you mean `%s`?",
			    kind_name, e.text, suggest.best);
	else
		problem_add(r->problems, type->at,
			    "unknown %s type `%s`; `sluice list` names those in this build",
			    kind_name, e.text);
}

/* The schema that `type` names, or NULL: then either this has told why, or the table of common keys will. */
static int find_schema(const struct reading *r, const struct node *map,
		       const struct stage_schema **ret_schema)
{
	const struct node_pair *pair = node_find(map, "type");
	const struct node *type = pair ? node_as_text(pair->value) : NULL;

	*ret_schema = NULL;
	if (!type || type->kind != NODE_SCALAR || type->null || type->broken || !type->length)
		return 0;
	*ret_schema = stage_schema_find(r->catalog, r->draft->kind, type->bytes, type->length);
	if (*ret_schema)
		return 0;
	tell_type(r, type);
	return -EINVAL;
}

/* Takes out of the map, a copy, those common keys that this stage can't have. */
static int drop_misplaced(const struct reading *r, struct node *map,
			  const struct stage_nature *nature)
{
	struct node_pair *pairs = arena_take(r->arena, map->count * sizeof(*pairs));
	size_t kept = 0;
	int result = 0;

	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i < map->count; i++) {
		const struct node *key = map->pairs[i].key;
		const char *why = stage_key_misplaced(nature, key->bytes, key->length);
		if (!why) {
			pairs[kept++] = map->pairs[i];
			continue;
		}
		problem_add(r->problems, key->at, "no `%s` here: %s", key->bytes, why);
		result = -EINVAL;
	}
	map->pairs = pairs;
	map->count = kept;
	return result;
}

static int apply_tables(const struct reading *r, const struct node *map,
			const struct stage_nature *nature, struct stage_common *common)
{
	const struct stage_schema *schema = r->draft->stage.schema;
	struct option_scope scope = {.arena = r->arena, .problems = r->problems, .noun = "option"};
	struct stage_keys keys = stage_keys_of(nature);
	struct option_target targets[2] = {{keys.table, common}};

	scope.lenient = !schema;
	if (!schema)
		return option_apply(&scope, targets, 1, map, r->draft->stage.at);
	r->draft->stage.options = arena_take(r->arena, schema->options_size);
	if (!r->draft->stage.options)
		return -ENOMEM;
	targets[1] = (struct option_target){schema->options, r->draft->stage.options};
	return option_apply(&scope, targets, 2, map, r->draft->stage.at);
}

static int check_own(const struct reading *r)
{
	const struct topology_stage *stage = &r->draft->stage;
	size_t before = problems_total(r->problems);

	if (stage->schema->check)
		stage->schema->check(stage->options, stage->at, r->problems);
	return problems_total(r->problems) > before ? -EINVAL : 0;
}

static void take_common(struct stage_draft *draft, const struct stage_common *common,
			const struct node *map, const struct stage_nature *nature)
{
	draft->names = common->inputs;
	draft->stage.workers = draft->kind == STAGE_SOURCE ? 1 : common->workers;
	draft->stage.workers_given = node_find(map, "workers") != NULL;
	draft->stage.ordered = draft->kind == STAGE_SOURCE || common->ordered;
	draft->stage.queue_capacity = common->queue.capacity;
	draft->stage.queue_when_full = common->queue.when_full;
	draft->stage.queue_max_size = common->queue.max_size ? common->queue.max_size : SPILL_BYTES;
	draft->stage.queue_given = common->queue_given;
	draft->dead_letter = common->dead_letter;
	draft->stage.on_error = stage_key_on_error(nature, common->on_error);
	draft->on_error_given = node_find(map, "on_error") != NULL;
	if (common->dead_letter.bytes && !draft->on_error_given)
		draft->stage.on_error = ON_ERROR_DEAD_LETTER;
}

/* Each means nothing without the other. */
static int check_dead_letter(const struct reading *r, const struct node *map)
{
	const struct stage_draft *d = r->draft;
	bool named = d->dead_letter.bytes != NULL,
	     wanted = d->stage.on_error == ON_ERROR_DEAD_LETTER;
	if (named == wanted)
		return 0;
	if (named)
		problem_add(
		    r->problems, d->dead_letter.at,
		    "`dead_letter` gets nothing with this `on_error`; take one of them away");
	else
		problem_add(r->problems, node_find(map, "on_error")->value->at,
			    "`on_error: dead_letter` needs a sink to send records to; name it in "
			    "`dead_letter`");
	return -EINVAL;
}

static int check_queue(const struct reading *r, const struct stage_common *common)
{
	if (common->queue.max_size == 0 || common->queue.when_full == WHEN_FULL_SPILL)
		return 0;
	problem_add(r->problems, r->draft->stage.at,
		    "`queue.max_size` is for `when_full: spill`; take one of them away");
	return -EINVAL;
}

static int read_map(const struct reading *r, const struct node *value)
{
	struct node map = *value;
	struct stage_common common = {.workers = 1};
	/* Of an unknown type, any key may be right. */
	struct stage_nature nature = {r->draft->kind, UINT_MAX, true};
	int result = find_schema(r, &map, &r->draft->stage.schema);

	if (r->draft->stage.schema)
		nature = stage_nature_of(r->draft->stage.schema);
	result = result_worse(drop_misplaced(r, &map, &nature), result);
	if (result != -ENOMEM)
		result = result_worse(apply_tables(r, &map, &nature, &common), result);
	take_common(r->draft, &common, &map, &nature);
	if (result || !r->draft->stage.schema)
		return result;
	result = result_worse(check_own(r), check_queue(r, &common));
	return result_worse(result, check_dead_letter(r, &map));
}

int stage_draft_read(struct stage_draft *draft, enum stage_kind kind, const struct node_pair *pair,
		     const struct stage_catalog *catalog, struct arena *arena,
		     struct problems *problems)
{
	struct reading r = {draft, catalog, arena, problems};
	const struct node *key = pair->key, *value = pair->value;
	int result;

	*draft = (struct stage_draft){.kind = kind};
	draft->stage.at = key->at;
	draft->stage.id = (struct text){.bytes = key->bytes, .length = key->length, .at = key->at};
	result = check_id(&draft->stage.id, problems);
	/* Who can't be named can't be read: that isn't to be told on top. */
	draft->read = result != 0;
	if (value->broken)
		return -EINVAL;
	if (value->kind != NODE_MAP) {
		problem_add(problems, value->at,
			    "`%s` is %s; write the stage's options as a map, `type` among them",
			    excerpt_of(key->bytes, key->length, false).text,
			    value->null ? "empty" : node_kind_name(value));
		return result_worse(result, -EINVAL);
	}
	result = result_worse(read_map(&r, value), result);
	draft->sound = !result && draft->stage.schema;
	return result;
}
