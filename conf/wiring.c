#include "conf/wiring.h"

#include "conf/sink_chain.h"
#include "conf/draft_links.h"
#include "conf/excerpt.h"
#include "conf/suggest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *id_of(const struct wiring *w, size_t i)
{
	return w->drafts->list[i].stage.id.bytes;
}

static int check_ids(const struct wiring *w)
{
	int result = 0;

	for (size_t i = 1; i < w->drafts->count; i++) {
		const struct stage_draft *d = &w->drafts->list[i];
		for (size_t j = 0; j < i; j++) {
			const struct stage_draft *first = &w->drafts->list[j];
			if (!draft_is_called(first, &d->stage.id))
				continue;
			problem_add(w->problems, d->stage.at,
				    "`%s` is the name of a %s already, at %s:%u:%u; take another",
				    d->stage.id.bytes, stage_kind_names[first->kind],
				    first->stage.at.file, first->stage.at.line,
				    first->stage.at.column);
			result = -EINVAL;
			break;
		}
	}
	return result;
}

/* `*` stands for any bytes, none included. Greedy, and back to the last star only, which is enough. */
static bool matches(const struct text *pattern, const char *name)
{
	size_t p = 0, star = SIZE_MAX;
	const char *resume = NULL;

	while (*name) {
		if (p < pattern->length && pattern->bytes[p] == '*') {
			star = p++;
			resume = name;
		} else if (p < pattern->length && pattern->bytes[p] == *name) {
			p++;
			name++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern->length && pattern->bytes[p] == '*')
		p++;
	return p == pattern->length;
}

/* By number; NULL: there are no more, or nothing is known of any. */
static const char *output_name(const struct stage_draft *d, size_t number)
{
	const struct stage_schema *schema = d->stage.schema;

	return schema && schema->output_name && d->sound
		   ? schema->output_name(d->stage.options, number)
		   : NULL;
}

static bool has_main(const struct stage_draft *d)
{
	return !d->stage.schema || !d->stage.schema->no_main;
}

/* `routes.*`: those of its outputs that the pattern matches. */
static int add_wild_outputs(const struct wiring *w, struct stage_draft *d, size_t from,
			    const struct text *name, bool *any)
{
	const char *output;
	int result = 0;

	for (size_t i = 0; (output = output_name(&w->drafts->list[from], i)) && !result; i++) {
		char *whole = arena_format(w->arena, "%s.%s", id_of(w, from), output);
		if (!whole)
			return -ENOMEM;
		if (!matches(name, whole))
			continue;
		*any = true;
		result = draft_add_input(w, d,
					 (struct draft_input){.from = from,
							      .output = OUTPUT_NAMED + (unsigned)i,
							      .wildcard = true},
					 name);
	}
	return result;
}

static int add_wildcard(const struct wiring *w, struct stage_draft *d, const struct text *name)
{
	const bool of_outputs = memchr(name->bytes, '.', name->length) != NULL;
	bool any = false;
	int result = 0;

	for (size_t i = 0; i < w->drafts->count && !result; i++) {
		const struct stage_draft *from = &w->drafts->list[i];
		if (from == d || from->kind == STAGE_SINK)
			continue;
		if (of_outputs) {
			result = add_wild_outputs(w, d, i, name, &any);
			continue;
		}
		if (!has_main(from) || !matches(name, id_of(w, i)))
			continue;
		any = true;
		result =
		    draft_add_input(w, d, (struct draft_input){.from = i, .wildcard = true}, name);
	}
	if (any || result)
		return result;
	problem_add(w->problems, name->at, "`%s` matches no source or transform",
		    excerpt_of(name->bytes, name->length, name->secret).text);
	return -EINVAL;
}

static int refuse_unknown(const struct wiring *w, const struct stage_draft *d,
			  const struct text *name)
{
	struct excerpt e = excerpt_of(name->bytes, name->length, name->secret);
	struct suggest suggest;

	suggest_init(&suggest, name->bytes, name->length);
	for (size_t i = 0; i < w->drafts->count; i++)
		if (&w->drafts->list[i] != d && w->drafts->list[i].kind != STAGE_SINK)
			suggest_consider(&suggest, id_of(w, i));
	/* Who was meant isn't to be told on top that nobody reads it. */
	for (size_t i = 0; i < w->drafts->count && suggest.best; i++)
		w->drafts->list[i].read |= id_of(w, i) == suggest.best;
	if (suggest.best)
		problem_add(w->problems, name->at, "unknown input `%s`; did you mean `%s`?", e.text,
			    suggest.best);
	else
		problem_add(w->problems, name->at,
			    "unknown input `%s`; name a source or a transform", e.text);
	return -EINVAL;
}

enum { OUTPUTS_TOLD = 8 };

/* "`routes.errors`, `routes.slow` or `routes._unmatched`", not too many; NULL: no memory. */
static char *list_outputs(const struct wiring *w, size_t from)
{
	const struct stage_draft *d = &w->drafts->list[from];
	const char *output;
	char *list = arena_copy(w->arena, "", 0);

	for (size_t i = 0; list && i < OUTPUTS_TOLD && (output = output_name(d, i)); i++)
		list = arena_format(w->arena, "%s%s`%s.%s`", list,
				    !i                      ? ""
				    : output_name(d, i + 1) ? ", "
							    : " or ",
				    id_of(w, from), output);
	return list;
}

static int refuse_main(const struct wiring *w, size_t from, const struct text *name)
{
	struct stage_draft *d = &w->drafts->list[from];
	char *list = list_outputs(w, from);

	d->read = true; /* as somebody meant to */
	if (!list)
		return -ENOMEM;
	/* Of what is not understood nothing more is to be told. */
	if (d->sound)
		problem_add(w->problems, name->at,
			    "`%s` sends its records to outputs of their own; read %s",
			    id_of(w, from), list);
	return -EINVAL;
}

static int refuse_output(const struct wiring *w, size_t from, const struct text *name,
			 const struct text *output)
{
	const struct topology_stage *stage = &w->drafts->list[from].stage;
	const char *known;
	struct suggest suggest;

	/* Of what is not understood nothing more is to be told. */
	if (!stage->schema || !w->drafts->list[from].sound)
		return -EINVAL;
	if (!stage->schema->output) {
		problem_add(w->problems, name->at,
			    "`%s` has one output and no names for it; write `%s`", stage->id.bytes,
			    stage->id.bytes);
		return -EINVAL;
	}
	suggest_init(&suggest, output->bytes, output->length);
	for (size_t i = 0; (known = stage->schema->output_name(stage->options, i)) != NULL; i++)
		suggest_consider(&suggest, known);
	problem_add(w->problems, name->at, "`%s` has no output `%s`%s%s%s", stage->id.bytes,
		    excerpt_of(output->bytes, output->length, output->secret).text,
		    suggest.best ? "; did you mean `" : "", suggest.best ? suggest.best : "",
		    suggest.best ? "`?" : "");
	return -EINVAL;
}

/* `stage.output` */
static int add_output(const struct wiring *w, struct stage_draft *d, const struct text *name,
		      const char *dot)
{
	struct text stage = *name, output = *name;
	size_t from;
	const struct topology_stage *s;
	int number = -1;

	stage.length = (size_t)(dot - name->bytes);
	output.bytes += stage.length + 1;
	output.length -= stage.length + 1;
	from = draft_find(w->drafts, &stage);
	if (from == w->drafts->count)
		return refuse_unknown(w, d, &stage);
	s = &w->drafts->list[from].stage;
	w->drafts->list[from].read = true;
	if (s->schema && s->schema->output && w->drafts->list[from].sound)
		number = s->schema->output(s->options, output.bytes, output.length);
	if (number < 0)
		return refuse_output(w, from, name, &output);
	return draft_add_input(
	    w, d, (struct draft_input){.from = from, .output = OUTPUT_NAMED + (unsigned)number},
	    name);
}

static int add_named(const struct wiring *w, struct stage_draft *d, const struct text *name)
{
	const char *dot = memchr(name->bytes, '.', name->length);
	size_t from = draft_find(w->drafts, name);

	if (dot)
		return add_output(w, d, name, dot);
	if (from == w->drafts->count)
		return refuse_unknown(w, d, name);
	if (!has_main(&w->drafts->list[from]))
		return refuse_main(w, from, name);
	if (w->drafts->list[from].kind != STAGE_SINK)
		return draft_add_input(w, d, (struct draft_input){.from = from}, name);
	problem_add(w->problems, name->at,
		    "`%s` is a sink, which nothing comes out of; read what it reads",
		    id_of(w, from));
	return -EINVAL;
}

static int resolve(const struct wiring *w)
{
	int result = 0;

	for (size_t i = 0; i < w->drafts->count; i++) {
		struct stage_draft *d = &w->drafts->list[i];
		for (size_t j = 0; j < d->names.count; j++) {
			const struct text *name = &d->names.items[j];
			bool wildcard = memchr(name->bytes, '*', name->length) != NULL;
			int r = wildcard ? add_wildcard(w, d, name) : add_named(w, d, name);
			if (r == -ENOMEM)
				return r;
			result = result_worse(r, result);
		}
	}
	return result;
}

static int refuse_dead_letter(const struct wiring *w, const struct text *name)
{
	struct suggest suggest;

	suggest_init(&suggest, name->bytes, name->length);
	for (size_t i = 0; i < w->drafts->count; i++)
		if (w->drafts->list[i].kind == STAGE_SINK)
			suggest_consider(&suggest, id_of(w, i));
	if (suggest.best)
		problem_add(w->problems, name->at, "no sink `%s`; did you mean `%s`?",
			    excerpt_of(name->bytes, name->length, name->secret).text, suggest.best);
	else
		problem_add(w->problems, name->at, "no sink `%s`; `dead_letter` names one",
			    excerpt_of(name->bytes, name->length, name->secret).text);
	return -EINVAL;
}

/* Sinks get what `dead_letter` sends them. */
static int resolve_dead_letters(const struct wiring *w)
{
	int result = 0;

	for (size_t i = 0; i < w->drafts->count && result != -ENOMEM; i++) {
		const struct text *name = &w->drafts->list[i].dead_letter;
		size_t to = name->bytes ? draft_find(w->drafts, name) : 0;
		int r = 0;
		if (!name->bytes)
			continue;
		if (to == w->drafts->count || w->drafts->list[to].kind != STAGE_SINK)
			r = refuse_dead_letter(w, name);
		else
			r = draft_add_input(
			    w, &w->drafts->list[to],
			    (struct draft_input){.from = i, .output = OUTPUT_FAILED}, name);
		result = result_worse(r, result);
	}
	return result;
}

/* `inputs: []` is for those that get dead letters. */
/* A chain of sinks with mistakes has not been wired: whom it names is not known. */
static bool has_broken_chain(const struct wiring *w)
{
	for (size_t i = 0; i < w->drafts->count; i++) {
		const struct stage_draft *d = &w->drafts->list[i];
		if (!d->sound && d->stage.schema && d->stage.schema->chain)
			return true;
	}
	return false;
}

static int check_fed(const struct wiring *w)
{
	const bool may_be_named = has_broken_chain(w);
	int result = 0;

	for (size_t i = 0; i < w->drafts->count; i++) {
		const struct stage_draft *d = &w->drafts->list[i];
		if (d->kind == STAGE_SOURCE || d->names.count || d->input_count || !d->sound)
			continue;
		if (d->kind == STAGE_SINK && may_be_named)
			continue;
		problem_add(w->problems, d->stage.at, "`%s` reads nothing: `inputs` is empty%s",
			    id_of(w, i),
			    d->kind == STAGE_SINK ? ", and no `dead_letter` or `fallback` names it"
						  : "");
		result = -EINVAL;
	}
	return result;
}

static int check_read(const struct wiring *w)
{
	int result = 0;

	/* Whose inputs are missing, as was told, may have been meant to read any of them. */
	for (size_t i = 0; i < w->drafts->count; i++)
		if (w->drafts->list[i].kind != STAGE_SOURCE && !w->drafts->list[i].names.count &&
		    !w->drafts->list[i].input_count)
			return 0;
	for (size_t i = 0; i < w->drafts->count; i++) {
		const struct stage_draft *d = &w->drafts->list[i];
		if (d->kind == STAGE_SINK || d->read)
			continue;
		problem_add(w->problems, d->stage.at,
			    "nobody reads the %s `%s`; name %s in some `inputs` or remove it",
			    stage_kind_names[d->kind], id_of(w, i),
			    has_main(d) ? "it" : "its outputs");
		result = -EINVAL;
	}
	return result;
}

static bool output_is_read(const struct wiring *w, size_t from, unsigned output)
{
	for (size_t i = 0; i < w->drafts->count; i++)
		if (draft_find_input(&w->drafts->list[i], from, output))
			return true;
	return false;
}

/* What goes there ends there, which may be meant. Of what comes beside a main output not even that needs to be told. */
static void warn_of_unread(const struct wiring *w)
{
	const char *output;

	for (size_t i = 0; i < w->drafts->count; i++) {
		const struct stage_draft *d = &w->drafts->list[i];
		for (size_t k = 0; !has_main(d) && (output = output_name(d, k)); k++)
			if (*output != '_' && !output_is_read(w, i, OUTPUT_NAMED + (unsigned)k))
				problem_warn(
				    w->problems, d->stage.at,
				    "nobody reads `%s.%s`; records that go there end there",
				    id_of(w, i), output);
	}
}

static int check_kinds(const struct wiring *w, struct place at)
{
	bool present[STAGE_KINDS] = {false};
	int result = 0;

	for (size_t i = 0; i < w->drafts->count; i++)
		present[w->drafts->list[i].kind] = true;
	if (!present[STAGE_SOURCE])
		problem_add(w->problems, at, "no source; write at least one stage under `sources`");
	if (!present[STAGE_SINK])
		problem_add(w->problems, at, "no sink; write at least one stage under `sinks`");
	if (!present[STAGE_SOURCE] || !present[STAGE_SINK])
		result = -EINVAL;
	return result;
}

static int check_only_ones(const struct wiring *w)
{
	static const char *const instead[STAGE_KINDS] = {
	    [STAGE_SOURCE] = "name that one in the `inputs` of all who read it",
	    [STAGE_TRANSFORM] = "let that one read all `inputs`",
	    [STAGE_SINK] = "let that one read all `inputs`",
	};
	int result = 0;

	for (size_t i = 1; i < w->drafts->count; i++) {
		const struct stage_draft *d = &w->drafts->list[i];
		size_t j = 0;
		if (!d->stage.schema || !d->stage.schema->only_one)
			continue;
		while (w->drafts->list[j].stage.schema != d->stage.schema)
			j++;
		if (j == i)
			continue;
		problem_add(w->problems, d->stage.at,
			    "`%s` is a second `%s` %s, and a topology can have one: `%s`; %s",
			    id_of(w, i), d->stage.schema->name, stage_kind_names[d->kind],
			    id_of(w, j), instead[d->kind]);
		result = -EINVAL;
	}
	return result;
}

/* The first input that has no position, or NULL. */
static const struct draft_input *waits_for(const struct wiring *w, size_t i)
{
	const struct stage_draft *d = &w->drafts->list[i];

	for (size_t j = 0; j < d->input_count; j++)
		if (!w->drafts->list[d->inputs[j].from].placed)
			return &d->inputs[j];
	return NULL;
}

/* Gives positions to all stages that are on no cycle and behind none; says how many. */
static size_t place_stages(const struct wiring *w)
{
	size_t position = 0, before;

	do {
		before = position;
		for (size_t i = 0; i < w->drafts->count; i++) {
			struct stage_draft *d = &w->drafts->list[i];
			if (d->placed || waits_for(w, i))
				continue;
			d->placed = true;
			d->position = position++;
		}
	} while (position > before);
	return position;
}

/* Tells one cycle, given a stage on it: a walk from reader to input, which comes round, written the other way. */
static int tell_cycle(const struct wiring *w, size_t start)
{
	char *path = arena_copy(w->arena, id_of(w, start), strlen(id_of(w, start)));
	const struct draft_input *input = waits_for(w, start);
	struct place at = input->at;
	size_t i = start;

	do {
		i = waits_for(w, i)->from;
		if (path)
			path = arena_format(w->arena, "%s -> %s", id_of(w, i), path);
	} while (path && i != start);
	if (!path)
		return -ENOMEM;
	problem_add(w->problems, at,
		    "these stages read each other in a cycle: %s; take one input away", path);
	return -EINVAL;
}

/* Each stage left waits for one that is left, so a walk along these ends on a cycle, or where an earlier one was.
 * `walks` holds which walk came by, from 1. */
static int tell_cycles(const struct wiring *w)
{
	size_t *walks = arena_take(w->arena, w->drafts->count * sizeof(*walks));
	int result = 0;

	if (!walks)
		return -ENOMEM;
	for (size_t i = 0; i < w->drafts->count && result != -ENOMEM; i++) {
		size_t at = i, first;
		if (w->drafts->list[i].placed || walks[i])
			continue;
		while (!walks[at]) {
			walks[at] = i + 1;
			at = waits_for(w, at)->from;
		}
		if (walks[at] != i + 1)
			continue;
		first = at;
		for (size_t j = waits_for(w, at)->from; j != at; j = waits_for(w, j)->from)
			first = j < first ? j : first;
		result = tell_cycle(w, first);
	}
	return result;
}

int wiring_connect(struct stage_drafts *drafts, struct place at, struct arena *arena,
		   struct problems *problems)
{
	struct wiring w = {drafts, arena, problems};
	int result = check_kinds(&w, at);

	result = result_worse(check_ids(&w), result);
	result = result_worse(check_only_ones(&w), result);
	result = result_worse(resolve(&w), result);
	if (result != -ENOMEM)
		result = result_worse(resolve_dead_letters(&w), result);
	if (result != -ENOMEM)
		result = result_worse(chain_connect(drafts, arena, problems), result);
	if (result == -ENOMEM)
		return result;
	result = result_worse(check_fed(&w), result);
	result = result_worse(check_read(&w), result);
	if (!result)
		warn_of_unread(&w);
	if (place_stages(&w) < drafts->count)
		result = result_worse(tell_cycles(&w), result);
	return result;
}
