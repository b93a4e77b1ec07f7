#include "tests/unit/daemon/running.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void carry_through(struct running *w)
{
	int r;
	while ((r = epoch_log_step(&w->log)) == STEP_MORE || r == STEP_WAIT)
		if (backend_poll(w->backend) == 0 && r == STEP_WAIT)
			backend_wait(w->backend, UINT64_MAX);
	cr_assert_eq(r, STEP_DONE);
}

static void open_log(struct running *w)
{
	cr_assert_eq(backend_open(&w->backend, BACKEND_PLAIN, NULL), 0);
	cr_assert_eq(epoch_log_open(&w->log, &w->backend->io, w->fd, "test"), 0);
	carry_through(w);
}

static void close_log(struct running *w)
{
	epoch_log_release(&w->log);
	while (w->backend->busy > 0)
		backend_poll(w->backend);
	backend_close(w->backend);
}

void running_begin(struct running *w, int kind, const char *yaml)
{
	need_backend(kind);
	waiter_setup(true);
	strcpy(w->directory, "/tmp/sluice-epochs-XXXXXX");
	cr_assert(mkdtemp(w->directory));
	w->fd = open(w->directory, O_DIRECTORY | O_CLOEXEC);
	open_log(w);
	w->memory = (struct pipeline_memory){
	    .log = &w->log,
	    .state_dir = w->directory,
	    .options = {.interval_ns = 300000, .bytes = 40000},
	};
	fake_load(&w->topology, &w->plan, yaml);
	cr_assert_eq(
	    pipeline_init(&w->pipeline, &w->plan, true, (enum backend_kind)kind, &w->memory), 0);
}

void running_to_end(struct running *w)
{
	cr_assert_eq(pipeline_start(&w->pipeline), 0);
	while (!pipeline_ended(&w->pipeline)) {
		struct pollfd ended = {.fd = w->pipeline.ended_event, .events = POLLIN};
		poll(&ended, 1, 10);
		if (pipeline_failed(&w->pipeline))
			pipeline_stop(&w->pipeline);
	}
	pipeline_join(&w->pipeline);
}

void running_end(struct running *w)
{
	char command[128];
	pipeline_release(&w->pipeline);
	close_log(w);
	plan_release(&w->plan);
	topology_release(&w->topology);
	close(w->fd);
	snprintf(command, sizeof command, "rm -r %s", w->directory);
	cr_assert_eq(system(command), 0);
	fake_forget();
}
