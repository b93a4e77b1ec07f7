/* A run whose workers have ended has not, as long as something in flight does not come back: who waits for it still looks after
 * signals and deadlines. */
#include "daemon/pipeline.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/running.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>

/* ---- leaves: ends at once, and leaves a helper at work ---- */

static struct counter let_go, came_back;

static int hang(void *argument)
{
	(void)argument;
	while (counter_get(&let_go) == 0)
		sched_yield();
	return 0;
}

static void on_back(struct io_op *op)
{
	(void)op;
	counter_set(&came_back, 1);
}

static int leaves_open(struct stage *s)
{
	struct io_op *op = calloc(1, sizeof *op);
	cr_assert_not_null(op);
	*op = (struct io_op){.code = IO_WORK, .work = {.run = hang}, .done = on_back};
	s->state = op;
	io_submit(s->env->io, op);
	return 0;
}

static void leaves_close(struct stage *s)
{
	free(s->state);
}

static int leaves_step(struct stage *s, struct outlet *out)
{
	(void)s;
	(void)out;
	return STEP_DONE;
}

static size_t leaves_capacity(const void *options)
{
	(void)options;
	return 4096;
}

static unsigned leaves_helpers(const void *options)
{
	(void)options;
	return 1;
}

static const struct option none[] = {{0}};

static const struct stage_type leaves_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "leaves",
	       .summary = "a test's",
	       .options = none,
	       .options_size = 1},
    .open = leaves_open,
    .close = leaves_close,
    .source_step = leaves_step,
    .buffer_capacity = leaves_capacity,
    .helpers = leaves_helpers,
};

/* ---- takes: all there is ---- */

static int takes_step(struct stage *s, struct inlet *in)
{
	(void)s;
	struct batch *b = inlet_take(in);
	if (!b)
		return STEP_WAIT;
	batch_free(&b);
	inlet_done(in, 1);
	return STEP_MORE;
}

static int takes_finish(struct stage *s, struct inlet *in)
{
	int r = takes_step(s, in);
	return r == STEP_WAIT && inlet_ended(in) ? STEP_DONE : r;
}

static const struct stage_type takes_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "takes",
	       .summary = "a test's",
	       .options = none,
	       .options_size = 1},
    .sink_step = takes_step,
    .sink_finish = takes_finish,
};

static const struct stage_schema *const schemas[] = {&leaves_type.schema, &takes_type.schema, NULL};

static const struct stage_catalog catalog = {.types = schemas};

static bool all_have_ended(const struct pipeline *p)
{
	for (size_t i = 0; i < p->worker_count; i++)
		if (counter_get(&p->workers[i].shown_state) != WORKER_ENDED)
			return false;
	return true;
}

EACH_BACKEND_TEST(closing, what_does_not_come_back_is_waited_for_by_a_run_that_has_not_ended)
{
	struct topology t;
	struct plan plan;
	struct pipeline p;
	need_backend(*kind);
	waiter_setup(true);
	fake_load_with(&t, &plan,
		       "sources: {a: {type: leaves}}\nsinks: {out: {type: takes, inputs: [a]}}\n",
		       &catalog);
	cr_assert_eq(pipeline_init(&p, &plan, true, (enum backend_kind) * kind, NULL), 0);
	cr_assert_eq(pipeline_start(&p), 0);
	while (!all_have_ended(&p))
		sched_yield();
	cr_assert_not(pipeline_ended(&p));
	cr_assert_eq(counter_get(&came_back), 0);
	counter_set(&let_go, 1);
	running_await_end(&p);
	cr_assert_eq(counter_get(&came_back), 1);
	pipeline_release(&p);
	plan_release(&plan);
	topology_release(&t);
}
