#include "daemon/given_fields.h"
#include "conf/suggest.h"
#include "stages/field_names.h"
#include "stages/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct given {
	const struct topology *topology;
	struct fields fields;
	struct field_uses *uses;         /* by stage */
	struct field_mentions *mentions; /* likewise */
	/* What records may have where they come in and where they go out, by stage: fields that have a name, and objects. */
	struct column_set *in, *out;
};

/* ---- names ---- */

static bool has_a_name(const struct field *f)
{
	return f->known < FIELD_RECORD_TIME;
}

static bool is_within(const struct field *a, const struct field *b)
{
	return field_is_within(a->name, a->length, b->name, b->length);
}

enum { WITHIN = 1, ABOVE = 2 };

/* All that a set of names stands for: them, what lies within them, and what they lie within. */
static struct column_set spread(const struct given *g, const struct column_set *names, unsigned how)
{
	struct column_set all = *names;
	for (unsigned c = 0; c < g->fields.count; c++) {
		const struct field *f = &g->fields.list[c];
		if (!column_set_has(names, c) || !has_a_name(f))
			continue;
		for (unsigned d = 0; d < g->fields.count; d++) {
			const struct field *other = &g->fields.list[d];
			if (has_a_name(other) && (((how & WITHIN) && is_within(other, f)) ||
						  ((how & ABOVE) && is_within(f, other))))
				column_set_add(&all, d);
		}
	}
	return all;
}

/* The object and whatever it may hold. */
static void add_object(const struct given *g, unsigned object, struct column_set *to)
{
	const struct field *prefix = &g->fields.list[object];
	column_set_add(to, object);
	for (unsigned c = 0; c < g->fields.count; c++) {
		const struct field *f = &g->fields.list[c];
		if (has_a_name(f) && f->length > prefix->length &&
		    memcmp(f->name, prefix->name, prefix->length) == 0)
			column_set_add(to, c);
	}
}

/* ---- from stage to stage ---- */

static void add_all(struct column_set *to, const struct column_set *from)
{
	for (size_t i = 0; i < COLUMNS_MAX / 64; i++)
		to->bits[i] |= from->bits[i];
}

/* By an output of its own a record may come that a stage could do nothing with: as it came in. */
static void find_in(struct given *g, size_t stage)
{
	const struct topology_stage *s = &g->topology->stages[stage];
	for (size_t k = 0; k < s->input_count; k++) {
		size_t from = s->inputs[k].stage;
		add_all(&g->in[stage], &g->out[from]);
		if (s->inputs[k].output != OUTPUT_MAIN)
			add_all(&g->in[stage], &g->in[from]);
	}
}

static const struct stage_type *type_of(const struct given *g, size_t stage)
{
	return (const struct stage_type *)(const void *)g->topology->stages[stage].schema;
}

static void find_out(struct given *g, size_t stage)
{
	const struct field_uses *u = &g->uses[stage];
	bool takes_all = u->takes_all || type_of(g, stage)->gathers;
	struct column_set kept = spread(g, &u->keeps, WITHIN | ABOVE);
	struct column_set taken = spread(g, &u->takes, WITHIN);
	struct column_set given = spread(g, &u->gives, WITHIN | ABOVE);
	for (size_t i = 0; i < COLUMNS_MAX / 64; i++) {
		uint64_t stays = takes_all ? kept.bits[i] : UINT64_MAX;
		g->out[stage].bits[i] =
		    (g->in[stage].bits[i] & stays & ~taken.bits[i]) | given.bits[i];
	}
	if (u->object >= 0)
		add_object(g, (unsigned)u->object, &g->out[stage]);
}

/* ---- telling ---- */

/* The one most like it, of those that are there. */
static const char *find_like(const struct given *g, size_t stage, const struct field *missing)
{
	static const char *const always[] = {"body", "time", "source", "file", "offset", "error"};
	struct suggest s;
	suggest_init(&s, missing->name, missing->length);
	for (unsigned c = 0; c < g->fields.count; c++)
		if (column_set_has(&g->in[stage], c) && has_a_name(&g->fields.list[c]))
			suggest_consider(&s, g->fields.list[c].name);
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		suggest_consider(&s, always[i]);
	return s.best;
}

/* What begins the names that parsers of objects give; NULL: nothing does. */
static const char *find_prefix(const struct given *g, size_t stage)
{
	for (unsigned c = 0; c < g->fields.count; c++) {
		const struct field *f = &g->fields.list[c];
		if (f->known == FIELD_OBJECT && f->length > 0 && column_set_has(&g->in[stage], c))
			return f->name;
	}
	return NULL;
}

static bool is_empty(const struct column_set *s)
{
	for (size_t i = 0; i < COLUMNS_MAX / 64; i++)
		if (s->bits[i])
			return false;
	return true;
}

static void tell(const struct given *g, size_t stage, const struct field_mention *m,
		 struct problems *problems)
{
	const struct field *f = &g->fields.list[m->column];
	const char *like = find_like(g, stage, f), *prefix = find_prefix(g, stage);
	const char *name = f->name;
	if (like)
		problem_warn(problems, m->at, "nothing above gives `%s`; did you mean `%s`?", name,
			     like);
	else if (prefix)
		problem_warn(problems, m->at,
			     "nothing above gives `%s`; what a parser above finds begins with `%s`",
			     name, prefix);
	else if (is_empty(&g->in[stage]))
		problem_warn(problems, m->at,
			     "nothing above gives `%s`, as records have no fields here; add a "
			     "parser before it, such as `parse_json`",
			     name);
	else
		problem_warn(problems, m->at,
			     "nothing above gives `%s`; add what does before it, such as `set`, or "
			     "a parser of what holds it",
			     name);
}

static void check_stage(const struct given *g, size_t stage, struct problems *problems)
{
	const struct field_mentions *mentions = &g->mentions[stage];
	struct column_set told = {{0}};
	for (size_t i = 0; i < mentions->count; i++) {
		const struct field_mention *m = &mentions->list[i];
		bool is_fine = g->fields.list[m->column].known != FIELD_ITSELF ||
			       column_set_has(&g->in[stage], m->column);
		if (is_fine || column_set_has(&told, m->column))
			continue;
		column_set_add(&told, m->column);
		tell(g, stage, m, problems);
	}
}

/* ---- all of them ---- */

static int ask(struct given *g)
{
	int r = 0;
	for (size_t i = 0; i < g->topology->stage_count && r == 0; i++) {
		const struct stage_type *type = type_of(g, i);
		g->uses[i] = (struct field_uses){
		    .fields = &g->fields, .object = -1, .mentions = &g->mentions[i]};
		if (type->fields)
			type->fields(g->topology->stages[i].options, &g->uses[i]);
		r = g->uses[i].error;
	}
	return r;
}

static void release(struct given *g)
{
	for (size_t i = 0; g->mentions && i < g->topology->stage_count; i++)
		field_mentions_release(&g->mentions[i]);
	fields_release(&g->fields);
	free(g->uses);
	free(g->mentions);
	free(g->in);
	free(g->out);
}

int given_fields_check(const struct topology *t, struct problems *problems)
{
	size_t n = t->stage_count;
	struct given g = {.topology = t,
			  .uses = calloc(n, sizeof *g.uses),
			  .mentions = calloc(n, sizeof *g.mentions),
			  .in = calloc(n, sizeof *g.in),
			  .out = calloc(n, sizeof *g.out)};
	int r = g.uses && g.mentions && g.in && g.out ? ask(&g) : -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		find_in(&g, i);
		find_out(&g, i);
		check_stage(&g, i, problems);
	}
	release(&g);
	return r;
}
