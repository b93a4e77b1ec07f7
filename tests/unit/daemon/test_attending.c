/* A source that serves others is asked to go on with that while there is no room below, and only then. */
#include "daemon/pipeline.h"
#include "tests/unit/daemon/each_backend.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static const char *no_variable(const char *name)
{
	(void)name;
	return NULL;
}

static void load(struct topology *t, struct plan *p)
{
	static const char yaml[] =
	    "sources: {a: {type: serves}}\n"
	    "sinks: {out: {type: stuck, inputs: [a], queue: {capacity: 2}}}\n";
	char path[] = "/tmp/sluice-attending-XXXXXX.yaml";
	int fd = mkstemps(path, 5);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	const char *files[] = {path};
	struct topology_request request = {
	    .files = files, .file_count = 1, .catalog = &catalog, .variable = no_variable};
	struct problems problems;
	problems_init(&problems);
	int loaded = topology_load(t, &request, &problems);
	int planned = loaded < 0 ? loaded : plan_make(p, t, 2, &problems);
	problems_print(&problems, stderr);
	problems_release(&problems);
	unlink(path);
	cr_assert_eq(planned, 0);
}

static void run(int kind, struct pipeline *p, struct topology *t, struct plan *plan)
{
	need_backend(kind);
	waiter_setup(true);
	load(t, plan);
	cr_assert_eq(pipeline_init(p, plan, true, (enum backend_kind)kind, NULL), 0);
	cr_assert_eq(pipeline_start(p), 0);
	while (!pipeline_ended(p)) {
		struct pollfd ended = {.fd = p->ended_event, .events = POLLIN};
		poll(&ended, 1, 10);
		if (pipeline_failed(p))
			pipeline_stop(p);
	}
	pipeline_join(p);
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
