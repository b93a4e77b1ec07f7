/* A source that serves others is asked to go on with that while there is no room below, and only then. */
#include "daemon/pipeline.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/running.h"

#include <criterion/criterion.h>
#include <errno.h>

enum { BATCHES = 40, ATTENDED_LEAST = 5, FAILING = 3 };

static struct counter attended, emitted, taken;
static bool fails;

/* ---- serves: a batch with one record at each step ---- */

static int serves_step(struct stage *s, struct outlet *out)
{
	if (counter_get(&emitted) == BATCHES)
		return STEP_DONE;
	struct buffer *buffer = home_take_buffer(s->home);
	struct batch *b = buffer ? batch_new(s->home, buffer) : NULL;
	if (buffer)
		buffer_let_go(buffer);
	if (!b)
		return STEP_WAIT;
	buffer->bytes[0] = 'x';
	b->records[b->count++] = (struct record){0, 1};
	b->bytes_total = 1;
	counter_add(&emitted, 1);
	emit(out, &b);
	return STEP_MORE;
}

/* It asks to be asked again, as who has clients does. */
static int serves_attend(struct stage *s)
{
	counter_add(&attended, 1);
	counter_add(&s->counters->awaited, 1);
	env_wake_at(s->env, env_now_ns(s->env) + 1000000);
	return fails && counter_get(&attended) == FAILING ? -EPIPE : STEP_WAIT;
}

static size_t serves_capacity(const void *options)
{
	(void)options;
	return 4096;
}

static const struct option none[] = {{0}};

static const struct stage_type serves_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "serves",
	       .summary = "a test's",
	       .options = none,
	       .options_size = 1},
    .source_step = serves_step,
    .source_attend = serves_attend,
    .buffer_capacity = serves_capacity,
    .drains = true,
};

/* ---- stuck: takes nothing before the source was attended to often enough ---- */

static int stuck_step(struct stage *s, struct inlet *in)
{
	if (counter_get(&attended) < (fails ? FAILING : ATTENDED_LEAST)) {
		env_wake_at(s->env, env_now_ns(s->env) + 1000000);
		return STEP_WAIT;
	}
	struct batch *b = inlet_take(in);
	if (!b)
		return STEP_WAIT;
	counter_add(&taken, b->count);
	batch_free(&b);
	inlet_done(in, 1);
	return STEP_MORE;
}

static int stuck_finish(struct stage *s, struct inlet *in)
{
	int r = stuck_step(s, in);
	return r == STEP_WAIT && inlet_ended(in) ? STEP_DONE : r;
}

static const struct stage_type stuck_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "stuck",
	       .summary = "a test's",
	       .options = none,
	       .options_size = 1},
    .sink_step = stuck_step,
    .sink_finish = stuck_finish,
};

/* ---- */

static const struct stage_schema *const schemas[] = {&serves_type.schema, &stuck_type.schema, NULL};

static const struct stage_catalog catalog = {.types = schemas};

static void begin(int kind, struct pipeline *p, struct topology *t, struct plan *plan)
{
	need_backend(kind);
	waiter_setup(true);
	fake_load_with(t, plan,
		       "sources: {a: {type: serves}}\n"
		       "sinks: {out: {type: stuck, inputs: [a], queue: {capacity: 2}}}\n",
		       &catalog);
	cr_assert_eq(pipeline_init(p, plan, true, (enum backend_kind)kind, NULL), 0);
}

static void run(int kind, struct pipeline *p, struct topology *t, struct plan *plan)
{
	begin(kind, p, t, plan);
	running_to_end(p);
}

static void end(struct pipeline *p, struct topology *t, struct plan *plan)
{
	pipeline_release(p);
	plan_release(plan);
	topology_release(t);
}

EACH_BACKEND_TEST(attending, a_source_that_serves_goes_on_serving_while_there_is_no_room)
{
	struct topology t;
	struct plan plan;
	struct pipeline p;
	run(*kind, &p, &t, &plan);
	cr_expect_geq(counter_get(&attended), ATTENDED_LEAST);
	cr_expect_eq(counter_get(&taken), BATCHES);
	cr_expect_not(pipeline_failed(&p));
	end(&p, &t, &plan);
}

EACH_BACKEND_TEST(attending, one_that_fails_meanwhile_ends_the_run)
{
	struct topology t;
	struct plan plan;
	struct pipeline p;
	fails = true;
	run(*kind, &p, &t, &plan);
	cr_expect(pipeline_failed(&p));
	cr_expect_geq(counter_get(&attended), FAILING);
	end(&p, &t, &plan);
}

static bool is_told;

static void be_told(struct waiter *w)
{
	(void)w;
	is_told = true;
}

/* It waits for an epoch: the coordinator does not sleep on until the next one is due. */
EACH_BACKEND_TEST(attending, what_it_waits_for_meanwhile_is_told)
{
	struct topology t;
	struct plan plan;
	struct pipeline p;
	struct stack reports;
	struct counter wanted = {0};
	struct waiter coordinator = {be_told};
	struct wait_node reported = {.waiter = &coordinator};
	begin(*kind, &p, &t, &plan);
	struct worker *source = p.workers;
	stack_init(&reports);
	cr_assert_eq(reporting_init(source, &reports, &wanted, UINT64_MAX), 0);
	waitlist_arm(&reports.takers, &reported);
	while (worker_step(source) == STEP_MORE)
		;
	cr_assert_eq(counter_get(&attended), 1);
	cr_assert(is_told);
	waitlist_disarm(&reports.takers, &reported);
	reporting_release(source);
	stack_release(&reports);
	running_to_end(&p);
	cr_expect_eq(counter_get(&taken), BATCHES);
	end(&p, &t, &plan);
}
