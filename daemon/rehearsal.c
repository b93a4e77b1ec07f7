#include "daemon/rehearsal.h"
#include "conf/test_names.h"
#include "stages/expression.h"
#include "stages/time/time_parse.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { CPUS = 2, QUEUE_CAPACITY = 64 };

/* 2000-01-01T00:00:00Z */
static const int64_t WALL_NS = INT64_C(946684800) * 1000000000;
/* What sinks take that are put beside others comes on top of the topology's budget. */
static const uint64_t MEMORY_MAX = UINT64_C(1) << 44;

/* ---- the topology ---- */

/* Stages of the topology become those of the rehearsal. */
struct making {
	struct rehearsal *rehearsal;
	bool *reached;
	size_t *moved; /* by stage of the topology: where it is in the rehearsal */
	size_t input_count;
};

static size_t count_inputs(const struct topology *t)
{
	size_t n = 0;
	for (size_t i = 0; i < t->stage_count; i++)
		n += t->stages[i].input_count;
	return n;
}

static int take_memory(struct rehearsal *t)
{
	size_t sinks = t->of->stage_count + t->test->expectation_count;
	t->topology.stages = calloc(sinks + 1, sizeof *t->topology.stages);
	t->inputs = calloc(count_inputs(t->of) + t->test->expectation_count + 1, sizeof *t->inputs);
	t->sinks = calloc(sinks, sizeof *t->sinks);
	t->yields = calloc(sinks, sizeof *t->yields);
	return t->topology.stages && t->inputs && t->sinks && t->yields ? 0 : -ENOMEM;
}

static struct topology_stage *add_stage(struct rehearsal *t, const struct topology_stage *like)
{
	struct topology_stage *s = &t->topology.stages[t->topology.stage_count++];
	*s = *like;
	return s;
}

/* The inputs that a stage has in the rehearsal. */
static void take_inputs(struct making *m, struct topology_stage *s)
{
	const struct topology_input *old = s->inputs;
	size_t count = s->input_count;
	s->inputs = &m->rehearsal->inputs[m->input_count];
	s->input_count = 0;
	for (size_t i = 0; i < count; i++)
		if (m->reached[old[i].stage])
			s->inputs[s->input_count++] =
			    (struct topology_input){m->moved[old[i].stage], old[i].output};
	m->input_count += s->input_count;
}

static void read_one(struct making *m, struct topology_stage *s, struct topology_input from)
{
	s->inputs = &m->rehearsal->inputs[m->input_count++];
	s->inputs[0] = from;
	s->input_count = 1;
}

/* The source whose records it would get: they are given as that one's. */
static const struct topology_stage *first_source_above(const struct topology *t, size_t stage)
{
	while (t->stages[stage].input_count > 0)
		stage = t->stages[stage].inputs[0].stage;
	return &t->stages[stage];
}

static void add_source(struct making *m)
{
	struct rehearsal *t = m->rehearsal;
	const struct topology_stage *source = first_source_above(t->of, t->test->entry);
	*add_stage(t, source) = (struct topology_stage){.schema = &rehearsal_source_type.schema,
							.id = source->id,
							.options = &t->source,
							.at = t->test->at,
							.workers = 1,
							.ordered = true,
							.queue_capacity = source->queue_capacity};
}

/* s becomes one that keeps what would come to `stage`, or out of that output of it. */
static int become_sink(struct rehearsal *t, struct topology_stage *s, size_t stage, unsigned output)
{
	struct rehearsal_sink_options *o = &t->sinks[t->sink_count];
	struct rehearsal_yield *yield = &t->yields[t->sink_count++];
	*o = (struct rehearsal_sink_options){
	    .test = t->test, .stage = stage, .output = output, .yield = yield};
	s->schema = &rehearsal_sink_type.schema;
	s->options = o;
	s->workers_given = false;
	return rehearsal_yield_init(yield, t->test);
}

static int add_copy(struct making *m, size_t stage)
{
	struct rehearsal *t = m->rehearsal;
	bool is_source = t->of->stages[stage].schema->kind == STAGE_SOURCE;
	if (stage == t->test->entry)
		add_source(m);
	m->moved[stage] = is_source ? t->topology.stage_count - 1 : t->topology.stage_count;
	if (is_source)
		return 0;
	struct topology_stage *s = add_stage(t, &t->of->stages[stage]);
	if (stage == t->test->entry)
		read_one(m, s, (struct topology_input){m->moved[stage] - 1, OUTPUT_MAIN});
	else
		take_inputs(m, s);
	return s->schema->kind == STAGE_SINK ? become_sink(t, s, stage, OUTPUT_MAIN) : 0;
}

static const struct rehearsal_sink_options *find_sink(const struct rehearsal *t,
						      const struct test_expectation *e)
{
	for (size_t i = 0; i < t->sink_count; i++)
		if (rehearsal_sink_is_of(&t->sinks[i], e))
			return &t->sinks[i];
	return NULL;
}

/* Beside those who read the stage anyway. */
static int add_reader(struct making *m, const struct test_expectation *e)
{
	if (find_sink(m->rehearsal, e))
		return 0;
	struct topology_stage *s = add_stage(m->rehearsal, &m->rehearsal->of->stages[e->stage]);
	s->at = e->from.at;
	s->queue_capacity = QUEUE_CAPACITY;
	read_one(m, s, (struct topology_input){m->moved[e->stage], e->output});
	return become_sink(m->rehearsal, s, e->stage, e->output);
}

static int add_stages(struct making *m)
{
	const struct rehearsal *t = m->rehearsal;
	int r = 0;
	test_reach(t->test, t->of, m->reached);
	for (size_t i = 0; i < t->of->stage_count && r == 0; i++)
		if (m->reached[i])
			r = add_copy(m, i);
	for (size_t i = 0; i < t->test->expectation_count && r == 0; i++)
		r = add_reader(m, &t->test->expectations[i]);
	return r;
}

static int make_topology(struct rehearsal *t)
{
	struct making m = {.rehearsal = t,
			   .reached = calloc(t->of->stage_count, sizeof *m.reached),
			   .moved = calloc(t->of->stage_count, sizeof *m.moved)};
	int r = m.reached && m.moved ? take_memory(t) : -ENOMEM;
	if (r == 0)
		r = add_stages(&m);
	free(m.reached);
	free(m.moved);
	return r;
}

/* ---- the plan ---- */

static int make_plan(struct rehearsal *t, struct problems *problems)
{
	struct problems unheard;
	int r = -EINVAL;
	while (r == -EINVAL && t->topology.memory < MEMORY_MAX) {
		problems_init(&unheard);
		r = plan_make(&t->plan, &t->topology, CPUS, &unheard);
		problems_release(&unheard);
		t->topology.memory *= 2;
	}
	return r == -EINVAL ? plan_make(&t->plan, &t->topology, CPUS, problems) : r;
}

static int read_time(struct rehearsal *t, struct problems *problems)
{
	const struct text *time = &t->test->time;
	t->source.wall_ns = WALL_NS;
	if (!time->bytes ||
	    time_parse_strict((const uint8_t *)time->bytes, time->length, &t->source.wall_ns) == 0)
		return 0;
	problem_add(problems, time->at, "`time` is `%s`; write a moment like 2026-03-01T12:00:00Z",
		    excerpt_of(time->bytes, time->length, time->secret).text);
	return -EINVAL;
}

static int check_expressions(const struct topology_test *test, struct problems *problems)
{
	size_t before = problems_total(problems);
	for (size_t i = 0; i < test->expectation_count; i++) {
		const struct test_expectation *e = &test->expectations[i];
		if (e->each.bytes)
			expression_check(&e->each, VALUE_BOOL, "each", problems);
		if (e->any.bytes)
			expression_check(&e->any, VALUE_BOOL, "any", problems);
	}
	return problems_total(problems) > before ? -EINVAL : 0;
}

int rehearsal_make(struct rehearsal *t, const struct topology *of, const struct topology_test *test,
		   struct problems *problems)
{
	*t = (struct rehearsal){.of = of, .test = test, .topology = *of};
	t->topology.stages = NULL;
	t->topology.stage_count = 0;
	t->source.test = test;
	int r = read_time(t, problems);
	r = result_worse(check_expressions(test, problems), r);
	r = result_worse(rehearsal_source_check(test, problems), r);
	if (r == 0)
		r = make_topology(t);
	return r == 0 ? make_plan(t, problems) : r;
}

void rehearsal_release(struct rehearsal *t)
{
	plan_release(&t->plan);
	for (size_t i = 0; i < t->sink_count; i++)
		rehearsal_yield_release(&t->yields[i]);
	free(t->topology.stages);
	free(t->inputs);
	free(t->sinks);
	free(t->yields);
	*t = (struct rehearsal){.of = NULL};
}

const struct rehearsal_yield *rehearsal_yield_of(const struct rehearsal *t,
						 const struct test_expectation *e)
{
	const struct rehearsal_sink_options *sink = find_sink(t, e);
	assert(sink && "each expectation has one");
	return sink->yield;
}

int rehearsals_check(const struct topology *t, struct problems *problems)
{
	int result = 0;
	for (size_t i = 0; i < t->tests.count && result != -ENOMEM; i++) {
		struct rehearsal rehearsal;
		result = result_worse(rehearsal_make(&rehearsal, t, &t->tests.list[i], problems),
				      result);
		rehearsal_release(&rehearsal);
	}
	return result;
}
