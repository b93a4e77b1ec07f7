#include "conf/wiring.h"

#include "conf/excerpt.h"
#include "conf/suggest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct wiring {
	struct stage_drafts *drafts;
	struct arena *arena;
	struct problems *problems;
};

static const char *id_of(const struct wiring *w, size_t i)
{
	return w->drafts->list[i].stage.id.bytes;
}

static bool is_called(const struct stage_draft *d, const struct text *name)
{
	return d->stage.id.length == name->length &&
	       !memcmp(d->stage.id.bytes, name->bytes, name->length);
}

static int check_ids(const struct wiring *w)
{
	int result = 0;

	for (size_t i = 1; i < w->drafts->count; i++) {
		const struct stage_draft *d = &w->drafts->list[i];
		for (size_t j = 0; j < i; j++) {
			const struct stage_draft *first = &w->drafts->list[j];
			if (!is_called(first, &d->stage.id))
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

static struct draft_input *find_input(const struct stage_draft *d, size_t from)
{
	for (size_t i = 0; i < d->input_count; i++)
		if (d->inputs[i].from == from)
			return &d->inputs[i];
	return NULL;
}

static int add_input(const struct wiring *w, struct stage_draft *d, size_t from,
		     const struct text *name, bool wildcard)
{
	struct draft_input *known = find_input(d, from), *inputs;

	if (known && !wildcard && !known->wildcard) {
		problem_add(w->problems, name->at, "`%s` stands twice in `inputs`; keep one",
			    id_of(w, from));
		return -EINVAL;
	}
	if (known)
		return 0;
	inputs = arena_grow(w->arena, d->inputs, d->input_count, &d->input_room, sizeof(*inputs));
	if (!inputs)
		return -ENOMEM;
	d->inputs = inputs;
	d->inputs[d->input_count++] = (struct draft_input){from, name->at, wildcard};
	w->drafts->list[from].read = true;
	return 0;
}

static int add_wildcard(const struct wiring *w, struct stage_draft *d, const struct text *name)
{
	bool any = false;
	int result = 0;

	for (size_t i = 0; i < w->drafts->count && !result; i++) {
		const struct stage_draft *from = &w->drafts->list[i];
		if (from == d || from->kind == STAGE_SINK || !matches(name, id_of(w, i)))
			continue;
		any = true;
		result = add_input(w, d, i, name, true);
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

	if (memchr(name->bytes, '.', name->length)) {
		problem_add(w->problems, name->at,
			    "named outputs (`%s`) are not in this version; name the stage alone",
			    e.text);
		return -EINVAL;
	}
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

static int add_named(const struct wiring *w, struct stage_draft *d, const struct text *name)
{
	size_t from = 0;

	while (from < w->drafts->count && !is_called(&w->drafts->list[from], name))
		from++;
	if (from == w->drafts->count)
		return refuse_unknown(w, d, name);
	if (w->drafts->list[from].kind != STAGE_SINK)
		return add_input(w, d, from, name, false);
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

static int check_read(const struct wiring *w)
{
	int result = 0;

	/* Whose inputs are missing, as was told, may have been meant to read any of them. */
	for (size_t i = 0; i < w->drafts->count; i++)
		if (w->drafts->list[i].kind != STAGE_SOURCE && !w->drafts->list[i].names.count)
			return 0;
	for (size_t i = 0; i < w->drafts->count; i++) {
		const struct stage_draft *d = &w->drafts->list[i];
		if (d->kind == STAGE_SINK || d->read)
			continue;
		problem_add(w->problems, d->stage.at,
			    "nobody reads the %s `%s`; name it in some `inputs` or remove it",
			    stage_kind_names[d->kind], id_of(w, i));
		result = -EINVAL;
	}
	return result;
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
	if (result == -ENOMEM)
		return result;
	result = result_worse(check_read(&w), result);
	if (place_stages(&w) < drafts->count)
		result = result_worse(tell_cycles(&w), result);
	return result;
}
