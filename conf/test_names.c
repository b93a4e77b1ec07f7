#include "conf/test_names.h"

#include "conf/excerpt.h"
#include "conf/suggest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is(const struct text *id, const char *name, size_t length)
{
	return id->length == length && !memcmp(id->bytes, name, length);
}

/* The length of a stage's name; behind it comes the dot of an output's. */
static size_t stage_length(const struct text *name)
{
	const char *dot = memchr(name->bytes, '.', name->length);

	return dot ? (size_t)(dot - name->bytes) : name->length;
}

/* ---- what they say ---- */

static const struct stage_draft *find(const struct stage_drafts *drafts, const char *name,
				      size_t length)
{
	for (size_t i = 0; i < drafts->count; i++)
		if (is(&drafts->list[i].stage.id, name, length))
			return &drafts->list[i];
	return NULL;
}

static int refuse_stage(const struct stage_drafts *drafts, const struct text *name, bool sinks_too,
			struct problems *problems)
{
	struct excerpt shown = excerpt_of(name->bytes, stage_length(name), name->secret);
	struct suggest suggest;

	suggest_init(&suggest, name->bytes, stage_length(name));
	for (size_t i = 0; i < drafts->count; i++)
		if (sinks_too || drafts->list[i].kind != STAGE_SINK)
			suggest_consider(&suggest, drafts->list[i].stage.id.bytes);
	if (suggest.best)
		problem_add(problems, name->at, "no stage `%s`; did you mean `%s`?", shown.text,
			    suggest.best);
	else
		problem_add(problems, name->at, "no stage `%s`; name a source%s", shown.text,
			    sinks_too ? ", a transform or a sink" : " or a transform");
	return -EINVAL;
}

static int check_entry(const struct stage_drafts *drafts, const struct text *name,
		       struct problems *problems)
{
	const struct stage_draft *d = find(drafts, name->bytes, stage_length(name));

	if (!d)
		return refuse_stage(drafts, name, false, problems);
	if (d->kind != STAGE_SINK && stage_length(name) == name->length)
		return 0;
	if (d->kind == STAGE_SINK)
		problem_add(problems, name->at,
			    "`%s` is a sink; records enter at a source or a transform",
			    d->stage.id.bytes);
	else
		problem_add(problems, name->at,
			    "records enter at a stage, not at one of its outputs; write `%s`",
			    d->stage.id.bytes);
	return -EINVAL;
}

static int refuse_output(const struct topology_stage *s, const struct text *name,
			 const char *output, size_t length, struct problems *problems)
{
	struct suggest suggest;
	const char *known;

	if (!s->schema->output) {
		problem_add(problems, name->at, "`%s` has no outputs with names; write `%s`",
			    s->id.bytes, s->id.bytes);
		return -EINVAL;
	}
	suggest_init(&suggest, output, length);
	for (size_t i = 0; (known = s->schema->output_name(s->options, i)) != NULL; i++)
		suggest_consider(&suggest, known);
	problem_add(problems, name->at, "`%s` has no output `%s`%s%s%s", s->id.bytes,
		    excerpt_of(output, length, name->secret).text,
		    suggest.best ? "; did you mean `" : "", suggest.best ? suggest.best : "",
		    suggest.best ? "`?" : "");
	return -EINVAL;
}

/* Its number; -1: there is none of that name. */
static int output_number(const struct topology_stage *s, const struct text *name)
{
	size_t skip = stage_length(name) + 1;

	return s->schema->output
		   ? s->schema->output(s->options, name->bytes + skip, name->length - skip)
		   : -1;
}

static int check_from(const struct stage_drafts *drafts, const struct text *name,
		      struct problems *problems)
{
	size_t length = stage_length(name);
	const struct stage_draft *d = find(drafts, name->bytes, length);

	if (!d)
		return refuse_stage(drafts, name, true, problems);
	/* Of what is not understood nothing more is to be told. */
	if (!d->sound)
		return -EINVAL;
	if (length < name->length)
		return output_number(&d->stage, name) >= 0
			   ? 0
			   : refuse_output(&d->stage, name, name->bytes + length + 1,
					   name->length - length - 1, problems);
	if (!d->stage.schema->no_main)
		return 0;
	problem_add(problems, name->at,
		    "`%s` sends its records to outputs of their own; name one, like `%s.%s`",
		    d->stage.id.bytes, d->stage.id.bytes,
		    d->stage.schema->output_name(d->stage.options, 0));
	return -EINVAL;
}

int tests_check_names(const struct topology_tests *tests, const struct stage_drafts *drafts,
		      struct problems *problems)
{
	int result = 0;

	for (size_t i = 0; i < tests->count; i++) {
		const struct topology_test *t = &tests->list[i];
		result = result_worse(check_entry(drafts, &t->entry_name, problems), result);
		for (size_t k = 0; k < t->expectation_count; k++)
			result = result_worse(
			    check_from(drafts, &t->expectations[k].from, problems), result);
	}
	return result;
}

/* ---- where they are ---- */

static size_t position(const struct topology *t, const struct text *name)
{
	size_t i = 0, length = stage_length(name);

	while (i < t->stage_count && !is(&t->stages[i].id, name->bytes, length))
		i++;
	assert(i < t->stage_count && "the names were checked");
	return i;
}

static void find_stages(struct topology_test *test, const struct topology *t)
{
	test->entry = position(t, &test->entry_name);
	for (size_t i = 0; i < test->expectation_count; i++) {
		struct test_expectation *e = &test->expectations[i];
		e->stage = position(t, &e->from);
		if (stage_length(&e->from) < e->from.length)
			e->output =
			    OUTPUT_NAMED + (unsigned)output_number(&t->stages[e->stage], &e->from);
	}
}

static int check_reach(const struct topology_test *test, const bool *reached,
		       struct problems *problems)
{
	int result = 0;

	for (size_t i = 0; i < test->expectation_count; i++) {
		const struct test_expectation *e = &test->expectations[i];
		if (reached[e->stage])
			continue;
		problem_add(problems, e->from.at,
			    "nothing that enters at `%s` comes to `%s`; enter it further up",
			    test->entry_name.bytes, e->from.bytes);
		result = -EINVAL;
	}
	return result;
}

void test_reach(const struct topology_test *test, const struct topology *t, bool *ret_reached)
{
	for (size_t i = 0; i < t->stage_count; i++) {
		const struct topology_stage *s = &t->stages[i];
		ret_reached[i] = i == test->entry;
		for (size_t k = 0; k < s->input_count && i > test->entry; k++)
			ret_reached[i] = ret_reached[i] || ret_reached[s->inputs[k].stage];
	}
}

int tests_place(struct topology_tests *tests, const struct topology *t, struct problems *problems)
{
	bool *reached = calloc(t->stage_count, sizeof *reached);
	int result = reached ? 0 : -ENOMEM;

	for (size_t i = 0; i < tests->count && reached; i++) {
		find_stages(&tests->list[i], t);
		test_reach(&tests->list[i], t, reached);
		result = result_worse(check_reach(&tests->list[i], reached, problems), result);
	}
	free(reached);
	return result;
}
