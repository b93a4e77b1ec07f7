/* --io auto and --io uring where the kernel refuses a ring: at the start, or later to one thread. */
#include "daemon/helpers.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/refusals.h"
#include "tests/unit/daemon/said.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct world {
	struct helpers helpers;
	struct backend *backend;
};

static void end(struct world *w)
{
	helpers_release(&w->helpers);
	backend_close(w->backend);
}

static void note_done(struct io_op *op)
{
	*(int *)op->owner += 1;
}

Test(backend_choice, auto_without_io_uring_is_plain_and_says_so_once)
{
	refuse_call(SYS_io_uring_setup, EPERM);
	enum backend_kind kind;
	said_begin();
	cr_assert_eq(backend_choose(BACKEND_AUTO, &kind), 0);
	cr_assert_eq(said_end("io_uring refused"), 1, "%s", said_text());
	cr_assert_eq(kind, BACKEND_PLAIN);
	cr_assert_eq(backend_choose(BACKEND_URING, &kind), -EPERM);
}

static int read_a_byte(struct world *w)
{
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	char byte = 0;
	int done = 0;
	struct io_op op = {.code = IO_READ,
			   .fd = ends[0],
			   .stream = true,
			   .read = {.bytes = &byte, .length = 1},
			   .done = note_done,
			   .owner = &done};
	io_submit(&w->backend->io, &op);
	while (!done)
		if (backend_poll(w->backend) == 0)
			backend_wait(w->backend, UINT64_MAX);
	close(ends[0]);
	close(ends[1]);
	return byte;
}

Test(backend_choice, uring_whose_ring_is_refused_later_fails_with_the_reason)
{
	need_backend(BACKEND_URING);
	struct world w = {0};
	cr_assert_eq(helpers_init(&w.helpers, 1), 0);
	enum backend_kind kind;
	cr_assert_eq(backend_choose(BACKEND_URING, &kind), 0);
	refuse_call(SYS_io_uring_setup, ENOMEM);
	cr_assert_eq(backend_open(&w.backend, kind, &w.helpers), -ENOMEM);
	end(&w);
}

Test(backend_choice, auto_whose_ring_is_refused_later_is_plain_and_says_so_once)
{
	need_backend(BACKEND_URING);
	struct world w = {0};
	cr_assert_eq(helpers_init(&w.helpers, 1), 0);
	enum backend_kind kind;
	cr_assert_eq(backend_choose(BACKEND_AUTO, &kind), 0);
	refuse_call(SYS_io_uring_setup, ENOMEM);
	said_begin();
	cr_assert_eq(backend_open(&w.backend, kind, &w.helpers), 0);
	cr_assert_eq(said_end("io_uring refused"), 1, "%s", said_text());
	cr_assert_not_null(strstr(said_text(), "thread="));
	cr_assert_eq(ring_descriptor(), -1);
	cr_assert_eq(read_a_byte(&w), 'x');
	end(&w);
}
