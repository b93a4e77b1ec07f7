#include "tests/unit/daemon/backend_world.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_S = 20 };

void world_begin(struct world *w, int kind)
{
	need_backend(kind);
	memset(w, 0, sizeof *w);
	cr_assert_eq(helpers_init(&w->helpers, 2), 0);
	cr_assert_eq(backend_open(&w->backend, (enum backend_kind)kind, &w->helpers), 0);
	strcpy(w->directory, "/tmp/sluice-backend-XXXXXX");
	cr_assert_not_null(mkdtemp(w->directory));
}

void world_end(struct world *w)
{
	helpers_release(&w->helpers);
	backend_close(w->backend);
	scratch_remove(w->directory);
}

const char *world_path(const struct world *w, const char *name)
{
	static _Thread_local char path[4][128];
	static _Thread_local unsigned next;
	next = (next + 1) % 4;
	snprintf(path[next], sizeof path[next], "%s/%s", w->directory, name);
	return path[next];
}

void world_note_done(struct io_op *op)
{
	*(int *)op->owner += 1;
}

static uint64_t deadline_ns(void)
{
	return backend_now_ns() + PATIENCE_S * UINT64_C(1000000000);
}

static void turn(struct world *w, uint64_t deadline)
{
	cr_assert_lt(backend_now_ns(), deadline, "it does not come to an end");
	if (backend_poll(w->backend) == 0)
		backend_wait(w->backend, backend_now_ns() + NS_PER_S / 100);
}

void world_submit(struct world *w, struct io_op *op, int *done)
{
	*done = 0;
	op->done = world_note_done;
	op->owner = done;
	io_submit(&w->backend->io, op);
	cr_assert_eq(*done, 0, "done is never called from within io_submit");
}

void world_await(struct world *w, const int *done)
{
	uint64_t deadline = deadline_ns();
	while (!*done)
		turn(w, deadline);
	cr_assert_eq(*done, 1);
}

void world_await_idle(struct world *w)
{
	uint64_t deadline = deadline_ns();
	while (w->backend->busy > 0)
		turn(w, deadline);
}

void world_sees_nothing(struct world *w, const int *done)
{
	for (int i = 0; i < 5; i++) {
		backend_poll(w->backend);
		backend_wait(w->backend, backend_now_ns() + 1000000);
	}
	cr_assert_eq(*done, 0);
}

int64_t world_carry_out(struct world *w, struct io_op *op)
{
	int done;
	world_submit(w, op, &done);
	world_await(w, &done);
	cr_assert_not(op->busy);
	return op->result;
}
