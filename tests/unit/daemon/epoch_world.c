#include "tests/unit/daemon/epoch_world.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/running.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void open_log(struct epoch_world *w)
{
	int r;
	cr_assert_eq(backend_open(&w->backend, BACKEND_PLAIN, NULL), 0);
	cr_assert_eq(epoch_log_open(&w->log, &w->backend->io, w->fd, "test"), 0);
	while ((r = epoch_log_step(&w->log)) == STEP_MORE || r == STEP_WAIT)
		if (backend_poll(w->backend) == 0 && r == STEP_WAIT)
			backend_wait(w->backend, UINT64_MAX);
	cr_assert_eq(r, STEP_DONE);
	w->memory = (struct pipeline_memory){
	    .log = &w->log,
	    .state_dir = w->directory,
	    .options = {.interval_ns = 300000, .bytes = 40000},
	};
}

static void close_log(struct epoch_world *w)
{
	epoch_log_release(&w->log);
	while (w->backend->busy > 0)
		backend_poll(w->backend);
	backend_close(w->backend);
}

static void begin_pipeline(struct epoch_world *w)
{
	if (w->fd >= 0)
		open_log(w);
	cr_assert_eq(pipeline_init(&w->pipeline, &w->plan, true, (enum backend_kind)w->kind,
				   w->fd >= 0 ? &w->memory : NULL),
		     0);
}

static void end_pipeline(struct epoch_world *w)
{
	pipeline_release(&w->pipeline);
	if (w->fd >= 0)
		close_log(w);
}

/* Whoever has memory to spare may seem not to wait for it. */
static void be_tight(struct epoch_world *w)
{
	struct problems problems;
	problems_init(&problems);
	w->topology.memory = w->plan.memory_needed;
	plan_release(&w->plan);
	cr_assert_eq(plan_make(&w->plan, &w->topology, 2, &problems), 0);
	problems_release(&problems);
}

static void begin(struct epoch_world *w, int kind, bool epochs, const char *yaml)
{
	need_backend(kind);
	waiter_setup(true);
	*w = (struct epoch_world){.fd = -1, .kind = kind};
	if (epochs) {
		strcpy(w->directory, "/tmp/sluice-epochs-XXXXXX");
		cr_assert(mkdtemp(w->directory));
		w->fd = open(w->directory, O_DIRECTORY | O_CLOEXEC);
	}
	fake_load(&w->topology, &w->plan, yaml);
}

void epoch_world_begin(struct epoch_world *w, int kind, bool epochs, const char *yaml)
{
	begin(w, kind, epochs, yaml);
	be_tight(w);
	begin_pipeline(w);
}

void epoch_world_begin_roomy(struct epoch_world *w, int kind, const char *yaml)
{
	begin(w, kind, true, yaml);
	begin_pipeline(w);
}

void epoch_world_follow(struct epoch_world *w)
{
	for (size_t i = 0; i < w->pipeline.worker_count; i++)
		for (size_t n = 0; n < w->pipeline.workers[i].node_count; n++)
			w->pipeline.workers[i].nodes[n].stage.once = false;
}

void epoch_world_run(struct epoch_world *w)
{
	running_to_end(&w->pipeline);
}

void epoch_world_await_end(struct epoch_world *w)
{
	running_await_end(&w->pipeline);
}

struct stage_counters *epoch_world_counters(struct epoch_world *w, const char *id)
{
	return &w->pipeline.counters[fake_stage(&w->topology, id)];
}

struct worker *epoch_world_first(struct epoch_world *w, enum stage_kind kind)
{
	struct worker *first = w->pipeline.workers;
	while (first->kind != kind)
		first++;
	return first;
}

struct batch *epoch_world_batch(struct worker *w)
{
	struct buffer *buffer = home_take_buffer(w->home);
	struct batch *b = batch_new(w->home, buffer);
	buffer_let_go(buffer);
	b->count = 1;
	b->records[0] = (struct record){.length = 8};
	return b;
}

void epoch_world_begin_anew(struct epoch_world *w)
{
	end_pipeline(w);
	begin_pipeline(w);
}

void epoch_world_end(struct epoch_world *w)
{
	end_pipeline(w);
	plan_release(&w->plan);
	topology_release(&w->topology);
	if (w->fd >= 0) {
		close(w->fd);
		scratch_remove(w->directory);
	}
	fake_forget();
}
