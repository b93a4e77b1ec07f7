#include "conf/sink_chain.h"

#include "conf/excerpt.h"
#include "conf/suggest.h"

#include <errno.h>

/* One `fallback`, and the sink of it that is being looked at. */
struct chain {
	struct wiring w;
	size_t own; /* among the drafts */
	const struct text *name;
	bool is_last;
};

static const char *shown(const struct chain *c)
{
	return c->name->secret ? SECRET_SHOWN : c->name->bytes;
}

static int refuse_unknown(const struct chain *c)
{
	struct suggest suggest;

	suggest_init(&suggest, c->name->bytes, c->name->length);
	for (size_t i = 0; i < c->w.drafts->count; i++)
		if (c->w.drafts->list[i].kind == STAGE_SINK && i != c->own)
			suggest_consider(&suggest, c->w.drafts->list[i].stage.id.bytes);
	problem_add(c->w.problems, c->name->at, "no sink `%s`%s%s%s",
		    excerpt_of(c->name->bytes, c->name->length, c->name->secret).text,
		    suggest.best ? "; did you mean `" : "", suggest.best ? suggest.best : "",
		    suggest.best ? "`?" : "; `sinks` names those to try, in order");
	return -EINVAL;
}

static int refuse(const struct chain *c, const char *why)
{
	problem_add(c->w.problems, c->name->at, "`%s` %s", shown(c), why);
	return -EINVAL;
}

/* What is wrong with the sink at that place; NULL: nothing is. */
static const char *why_not(const struct chain *c, const struct stage_draft *d)
{
	const struct stage_schema *schema = d->stage.schema;

	if (d == &c->w.drafts->list[c->own])
		return "can't stand in its own `sinks`";
	if (schema && schema->chain)
		return "is a chain of sinks itself; name those here";
	if (d->names.count > 0)
		return "has `inputs` of its own; a sink that stands in `sinks` gets its records "
		       "from there, so write `inputs: []`";
	if (!c->is_last && schema && !schema->has_failures)
		return "never gives a record up, so those behind it would get nothing; put it last";
	if (!c->is_last && schema && d->sound && schema->tries_for_ever &&
	    schema->tries_for_ever(d->stage.options))
		return "tries for ever, so those behind it would get nothing while it fails; give "
		       "it a `circuit_breaker`, or `retry: {max_attempts: 3}`";
	if (!c->is_last && (d->on_error_given || d->dead_letter.bytes))
		return "has an `on_error`, but what it cannot store goes to the one behind it; "
		       "take it away";
	return NULL;
}

/* Puts it behind `from`, also one that is refused: that it reads nothing is not to be told on top. */
static int connect(const struct chain *c, size_t at, struct draft_input from)
{
	struct stage_draft *d = &c->w.drafts->list[at];
	const char *why = d->is_chained
			      ? "stands in `sinks` twice; one sink stores what it gets once"
			      : why_not(c, d);
	int result = why ? refuse(c, why) : 0;

	if (d->is_chained || d->names.count > 0)
		return result;
	d->is_chained = true;
	if (!c->is_last)
		d->stage.on_error = ON_ERROR_FALL_BACK;
	return result_worse(draft_add_input(&c->w, d, from, c->name), result);
}

static int connect_all(struct chain *c, const struct text_list *names)
{
	struct draft_input from = {.from = c->own, .output = OUTPUT_MAIN};
	int result = 0;

	for (size_t i = 0; i < names->count && result != -ENOMEM; i++) {
		size_t at;
		c->name = &names->items[i];
		c->is_last = i + 1 == names->count;
		at = draft_find(c->w.drafts, c->name);
		if (at == c->w.drafts->count || c->w.drafts->list[at].kind != STAGE_SINK) {
			result = result_worse(refuse_unknown(c), result);
			continue;
		}
		result = result_worse(connect(c, at, from), result);
		from = (struct draft_input){.from = at, .output = OUTPUT_FAILED};
	}
	return result;
}

int chain_connect(struct stage_drafts *drafts, struct arena *arena, struct problems *problems)
{
	int result = 0;

	for (size_t i = 0; i < drafts->count && result != -ENOMEM; i++) {
		struct topology_stage *s = &drafts->list[i].stage;
		struct chain c = {.w = {drafts, arena, problems}, .own = i};
		if (!s->schema || !s->schema->chain || !drafts->list[i].sound)
			continue;
		result = result_worse(connect_all(&c, s->schema->chain(s->options)), result);
		s->schema = s->schema->stand_in;
	}
	return result;
}
