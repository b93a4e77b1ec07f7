#include "conf/topology.h"

#include "conf/interpolate.h"
#include "conf/option_apply.h"
#include "conf/override.h"
#include "conf/reserved.h"
#include "conf/sections.h"
#include "conf/suggest.h"
#include "conf/test_draft.h"
#include "conf/test_names.h"
#include "conf/topology_keys.h"
#include "conf/wiring.h"
#include "conf/yaml_files.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct loading {
	struct topology *topology;
	const struct topology_request *request;
	struct arena *arena;
	struct problems *problems;
	struct yaml_reader reader;
	struct node *root;
	struct place top; /* the beginning of the first file: for what is missing altogether */
	/* A file or section could not be read, so that whatever is wired to it would be told to be unknown. */
	bool partial;
	struct stage_drafts drafts;
};

static int read_text(struct loading *l, const char *name, char **ret_text, size_t *ret_length)
{
	struct place at = {.file = name};
	int result = yaml_file_read(l->arena, name, YAML_TEXT_BYTES_MAX, ret_text, ret_length);

	if (!result || result == -ENOMEM)
		return result;
	if (result == -EFBIG)
		problem_add(l->problems, at, "a file of more than %d bytes", YAML_TEXT_BYTES_MAX);
	else
		problem_add(l->problems, at, "can't read this file: %s", strerror(-result));
	return -EINVAL;
}

static int load_file(struct loading *l, const char *name)
{
	struct node *root = NULL;
	size_t length;
	char *text;
	int read, added, result = read_text(l, name, &text, &length);

	if (!result)
		result = yaml_tree_read(&l->reader, name, true, text, length, &root);
	read = result;
	/* Comments alone, or `---` with nothing after it. */
	if (!root || root->null) {
		l->partial |= read != 0;
		return read;
	}
	if (root->kind == NODE_MAP) {
		added = sections_add(l->arena, l->root, root, l->problems);
	} else {
		problem_add(l->problems, root->at,
			    "the file holds %s; write a map with `sources`, `sinks` and so on",
			    node_kind_name(root));
		added = -EINVAL;
	}
	l->partial |= added != 0;
	return result_worse(added, read);
}

static int load_files(struct loading *l)
{
	const struct topology_request *request = l->request;
	struct yaml_files files = {0};
	int result = 0;

	for (size_t i = 0; i < request->file_count && result != -ENOMEM; i++)
		result = result_worse(
		    yaml_files_add(&files, l->arena, request->files[i], l->problems), result);
	l->partial |= result != 0;
	for (size_t i = 0; i < files.count && result != -ENOMEM; i++)
		result = result_worse(load_file(l, files.names[i]), result);
	if (files.count)
		l->top = (struct place){files.names[0], 1, 1};
	if (result == -ENOMEM)
		return result;
	return result_worse(sections_check(l->arena, l->root, l->problems), result);
}

static int apply_sets(struct loading *l)
{
	int result = 0;

	for (size_t i = 0; i < l->request->set_count && result != -ENOMEM; i++) {
		/* Its parts become names and texts of the topology. */
		const char *set = l->request->sets[i];
		const char *copy = arena_copy(l->arena, set, strlen(set));
		int r = copy ? override_apply(&l->reader, l->root, copy) : -ENOMEM;
		result = result_worse(r, result);
	}
	return result;
}

static int fill_in(struct loading *l)
{
	struct interpolation in = {l->arena, l->problems, l->request->variable};

	return interpolate(&in, l->root);
}

/* "conf/access.yaml" and "conf/access/" both give "access". */
static int name_by_file(struct loading *l)
{
	const char *path = l->request->files[0], *base;
	size_t length = strlen(path);
	static const char *const endings[] = {".yaml", ".yml"};

	while (length > 1 && path[length - 1] == '/')
		length--;
	base = memrchr(path, '/', length);
	base = base && length > 1 ? base + 1 : path;
	length -= (size_t)(base - path);
	for (size_t i = 0; i < 2; i++) {
		size_t ending = strlen(endings[i]);
		if (length > ending && !memcmp(base + length - ending, endings[i], ending))
			length -= ending;
	}
	l->topology->name.bytes = arena_copy(l->arena, base, length);
	l->topology->name.length = length;
	l->topology->name.at = l->top;
	return l->topology->name.bytes ? 0 : -ENOMEM;
}

/* The section that a key that is none probably stands for, or NULL. */
static const char *section_meant(const struct node *key)
{
	struct suggest suggest;

	if (reserved_word(key->bytes, key->length))
		return NULL;
	suggest_init(&suggest, key->bytes, key->length);
	for (const struct option *o = topology_keys; o->name; o++)
		suggest_consider(&suggest, o->name);
	for (size_t k = 0; k < STAGE_KINDS; k++)
		suggest_consider(&suggest, stage_section_names[k]);
	for (size_t k = 0; k < STAGE_KINDS; k++)
		if (suggest.best == stage_section_names[k] && strcmp(suggest.best, key->bytes) != 0)
			return suggest.best;
	return NULL;
}

/* A section under a mistyped name, which has been told, is read all the same, so that what is wrong in there is told too.
 * False where that can't be: then what it holds is not known to who checks the wiring. */
static bool correct_sections(struct node *root)
{
	bool all = true;

	for (size_t i = 0; i < root->count; i++) {
		struct node *key = root->pairs[i].key;
		const char *meant = section_meant(key);
		if (!meant)
			continue;
		all = all && !node_find(root, meant);
		key->bytes = meant;
		key->length = strlen(meant);
	}
	return all;
}

static int read_top(struct loading *l)
{
	struct option_scope scope = {.arena = l->arena, .problems = l->problems, .noun = "key"};
	const char *sections[STAGE_KINDS + 2] = {NULL};
	struct option_target target = {topology_keys, l->topology};
	const struct node_pair *memory = node_find(l->root, "memory");
	const struct node_pair *supervision = node_find(l->root, "supervision");
	int result;

	memcpy(sections, stage_section_names, sizeof(stage_section_names));
	sections[STAGE_KINDS] = tests_key;
	scope.others = sections;
	result = option_apply(&scope, &target, 1, l->root, l->top);
	l->partial |= result == -EINVAL && !correct_sections(l->root);
	l->topology->memory_at = memory ? memory->value->at : (struct place){0};
	l->topology->supervision_at = supervision ? supervision->key->at : (struct place){0};
	if (result == -ENOMEM || l->topology->name.bytes)
		return result;
	return result_worse(name_by_file(l), result);
}

static int read_stage(struct loading *l, enum stage_kind kind, const struct node_pair *pair)
{
	struct stage_drafts *d = &l->drafts;
	struct stage_draft *list = arena_grow(l->arena, d->list, d->count, &d->room, sizeof(*list));

	if (!list)
		return -ENOMEM;
	d->list = list;
	return stage_draft_read(&d->list[d->count++], kind, pair, l->request->catalog, l->arena,
				l->problems);
}

static int read_section(struct loading *l, enum stage_kind kind)
{
	const struct node *section;
	int result = sections_find(l->root, stage_section_names[kind], l->problems, &section);

	l->partial |= result != 0;
	for (size_t i = 0; section && i < section->count && result != -ENOMEM; i++) {
		if (l->drafts.count == TOPOLOGY_STAGES_MAX) {
			problem_add(l->problems, section->pairs[i].key->at, "more than %d stages",
				    TOPOLOGY_STAGES_MAX);
			l->partial = true;
			return -EINVAL;
		}
		result = result_worse(read_stage(l, kind, &section->pairs[i]), result);
	}
	return result;
}

static int read_stages(struct loading *l)
{
	int result = 0;

	for (int kind = 0; kind < STAGE_KINDS && result != -ENOMEM; kind++)
		result = result_worse(read_section(l, (enum stage_kind)kind), result);
	return result;
}

static int take_inputs(struct loading *l, const struct stage_draft *d, struct topology_stage *stage)
{
	stage->inputs = arena_take(l->arena, d->input_count * sizeof(*stage->inputs));
	if (!stage->inputs)
		return -ENOMEM;
	stage->input_count = d->input_count;
	for (size_t i = 0; i < d->input_count; i++)
		stage->inputs[i] = (struct topology_input){
		    .stage = l->drafts.list[d->inputs[i].from].position,
		    .output = d->inputs[i].output,
		};
	return 0;
}

/* `out.encoding`, `in.parsing`, `out.spill`: what nobody can have called a stage of their own. */
static int name_companion(struct loading *l, const struct topology_stage *of, const char *suffix,
			  struct text *ret_id)
{
	size_t length = of->id.length + strlen(suffix);
	char *id = arena_take(l->arena, length + 1);

	if (!id)
		return -ENOMEM;
	memcpy(id, of->id.bytes, of->id.length);
	memcpy(id + of->id.length, suffix, strlen(suffix) + 1);
	*ret_id = (struct text){.bytes = id, .length = length, .at = of->id.at};
	return 0;
}

/* A stage that is put in front of another, or behind a source. */
struct companion {
	const struct stage_schema *schema; /* NULL: none is */
	const void *options;
	const char *suffix;
};

/* It gets what the one behind it would have got, and that one what it makes of it; or what the source reads, and its readers
 * what it makes of that. of: who brought it along. */
static int put_companion(struct loading *l, const struct companion *c,
			 const struct topology_stage *of, size_t at)
{
	struct topology_stage *first = &l->topology->stages[at], *second = first + 1;
	bool is_source = of->schema->kind == STAGE_SOURCE;
	struct topology_stage *companion = is_source ? second : first;
	const struct topology_stage *other = is_source ? first : second;
	struct topology_input *from_first = arena_take(l->arena, sizeof *from_first);

	if (!from_first)
		return -ENOMEM;
	*from_first = (struct topology_input){.stage = at, .output = OUTPUT_MAIN};
	*companion = (struct topology_stage){.schema = c->schema,
					     .options = (void *)(uintptr_t)c->options,
					     .at = of->at,
					     .inputs = other->inputs,
					     .input_count = other->input_count,
					     .ordered = true,
					     .queue_capacity = of->queue_capacity};
	second->inputs = from_first;
	second->input_count = 1;
	return name_companion(l, of, c->suffix, &companion->id);
}

static int spill_of(struct loading *l, const struct topology_stage *s, struct companion *ret)
{
	struct spill_options *options = NULL;

	*ret = (struct companion){.suffix = ".spill"};
	if (s->queue_when_full != WHEN_FULL_SPILL)
		return 0;
	assert(l->request->catalog->spill && "without it the queue would only block");
	options = arena_take(l->arena, sizeof *options);
	if (!options)
		return -ENOMEM;
	options->max_size = s->queue_max_size;
	ret->options = options;
	ret->schema = l->request->catalog->spill;
	return 0;
}

enum { COMPANIONS_MAX = 2 };

/* In the order in which batches reach them. */
static int companions_of(struct loading *l, const struct topology_stage *s,
			 struct companion list[COMPANIONS_MAX], size_t *ret_count)
{
	bool is_source = s->schema->kind == STAGE_SOURCE;
	struct companion own = {.suffix = is_source ? ".parsing" : ".encoding"}, spill;
	int result = spill_of(l, s, &spill);

	if (s->schema->companion)
		own.schema = s->schema->companion(s->options, &own.options);
	*ret_count = 0;
	if (own.schema)
		list[(*ret_count)++] = own;
	if (spill.schema)
		list[(*ret_count)++] = spill;
	return result;
}

/* With its companions, from there on; those of a source stand behind it, others before. */
static int place_stage(struct loading *l, const struct topology_stage *s, size_t at,
		       size_t *ret_count)
{
	struct companion companions[COMPANIONS_MAX];
	bool is_source = s->schema->kind == STAGE_SOURCE;
	size_t count = 0;
	int result = companions_of(l, s, companions, &count);

	assert(!is_source || count <= 1);
	l->topology->stages[is_source ? at : at + count] = *s;
	*ret_count = count + 1;
	while (count-- > 0 && !result)
		result = put_companion(l, &companions[count], s, at + count);
	return result;
}

/* Stages move up to make room; inputs go by their numbers. */
static int add_companions(struct loading *l)
{
	struct topology *t = l->topology;
	const struct topology_stage *old = t->stages;
	size_t count = t->stage_count, at = 0;
	size_t *moved = arena_take(l->arena, count * sizeof *moved);
	int result = 0;

	t->stages = arena_take(l->arena, (1 + COMPANIONS_MAX) * count * sizeof *t->stages);
	if (!moved || !t->stages)
		return -ENOMEM;
	for (size_t i = 0; i < count && !result; i++) {
		size_t placed = 0;
		for (size_t k = 0; k < old[i].input_count; k++)
			old[i].inputs[k].stage = moved[old[i].inputs[k].stage];
		result = place_stage(l, &old[i], at, &placed);
		at += placed;
		moved[i] = at - 1;
	}
	t->stage_count = at;
	return result;
}

/* The drafts, wired and without a flaw, each to its position. */
static int take_stages(struct loading *l)
{
	struct topology *t = l->topology;
	int result = 0;

	t->stages = arena_take(l->arena, l->drafts.count * sizeof(*t->stages));
	if (!t->stages)
		return -ENOMEM;
	t->stage_count = l->drafts.count;
	for (size_t i = 0; i < l->drafts.count && !result; i++) {
		const struct stage_draft *d = &l->drafts.list[i];
		assert(d->placed && d->position < t->stage_count && d->stage.schema);
		t->stages[d->position] = d->stage;
		result = take_inputs(l, d, &t->stages[d->position]);
	}
	return result ? result : add_companions(l);
}

/* Those drafts that are of use though others are not. */
static int take_sound(struct loading *l)
{
	struct topology *t = l->topology;

	t->stages = arena_take(l->arena, l->drafts.count * sizeof(*t->stages));
	for (size_t i = 0; t->stages && i < l->drafts.count; i++)
		if (l->drafts.list[i].sound)
			t->stages[t->stage_count++] = l->drafts.list[i].stage;
	return t->stages ? 0 : -ENOMEM;
}

static int read_tests(struct loading *l)
{
	const struct node_pair *pair = node_find(l->root, tests_key);

	return pair ? tests_read(&l->topology->tests, pair->value, l->arena, l->problems) : 0;
}

static int wire(struct loading *l)
{
	return l->partial ? 0 : wiring_connect(&l->drafts, l->top, l->arena, l->problems);
}

static int check_tests(struct loading *l)
{
	return l->partial ? 0 : tests_check_names(&l->topology->tests, &l->drafts, l->problems);
}

/* Nothing is wrong so far. */
static int take_all(struct loading *l)
{
	int result = take_stages(l);

	return result ? result : tests_place(&l->topology->tests, l->topology, l->problems);
}

static int load(struct loading *l)
{
	static int (*const steps[])(struct loading *) = {
	    load_files, apply_sets, fill_in, read_top, read_stages, read_tests, wire, check_tests};
	int result = 0;

	l->root = node_map(l->arena, l->top);
	if (!l->root)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && result != -ENOMEM; i++)
		result = result_worse(steps[i](l), result);
	if (!result)
		return take_all(l);
	l->topology->tests = (struct topology_tests){0};
	if (result == -EINVAL && l->request->keep_sound)
		return take_sound(l) == -ENOMEM ? -ENOMEM : result;
	return result;
}

int topology_load(struct topology *t, const struct topology_request *request,
		  struct problems *problems)
{
	struct loading l = {.topology = t, .request = request, .problems = problems};
	size_t bytes_max = request->bytes_max ? request->bytes_max : TOPOLOGY_BYTES_MAX;
	int result = -ENOMEM;

	assert(request->file_count && request->catalog);
	*t = (struct topology){0};
	l.top = (struct place){request->files[0], 1, 1};
	l.arena = malloc(sizeof(*l.arena));
	t->arena = l.arena;
	if (l.arena) {
		arena_init(l.arena, bytes_max);
		yaml_reader_init(&l.reader, l.arena, problems);
		result = load(&l);
	}
	if (result == -ENOMEM)
		problem_add(problems, (struct place){.file = request->files[0]},
			    "no memory left to load this, or more than %zu bytes needed",
			    bytes_max);
	if (result == -ENOMEM || (result && !request->keep_sound))
		topology_release(t);
	return result ? -EINVAL : 0;
}

void topology_release(struct topology *t)
{
	struct arena *arena = t->arena;

	if (arena)
		arena_release(arena);
	free(arena);
	*t = (struct topology){0};
}
