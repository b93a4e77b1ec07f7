#include "tests/unit/daemon/watched_io.h"
#include "daemon/plain_io.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static void submit(struct io *io, struct io_op *op)
{
	struct watched_io *w = (struct watched_io *)(void *)io;
	int64_t result = 0;
	w->submitted++;
	if (!w->look || !w->look(w, op, &result)) {
		op->io = &w->backend->io; /* where helpers bring it back to */
		w->backend->io.ops->submit(op->io, op);
		return;
	}
	if (w->answered_count == WATCHED_ANSWERED_MAX)
		abort();
	op->result = result;
	w->answered[w->answered_count++] = op;
}

static void cancel(struct io *io, struct io_op *op)
{
	(void)io;
	(void)op;
}

static const struct io_ops watched_ops = {.submit = submit, .cancel = cancel};

void watched_io_init(struct watched_io *w)
{
	memset(w, 0, sizeof *w);
	w->io.ops = &watched_ops;
	if (helpers_init(&w->helpers, 1) < 0 || plain_io_open(&w->backend, &w->helpers) < 0)
		abort();
}

void watched_io_release(struct watched_io *w)
{
	while (watched_io_turn(w))
		;
	helpers_release(&w->helpers);
	backend_close(w->backend);
}

bool watched_io_turn(struct watched_io *w)
{
	if (w->answered_count > 0) {
		struct io_op *op = w->answered[--w->answered_count];
		op->busy = false;
		op->done(op);
		return true;
	}
	if (w->backend->busy == 0)
		return false;
	/* Helpers wake only those who are on their list, which a test is not. */
	if (backend_poll(w->backend) == 0)
		sched_yield();
	return true;
}
