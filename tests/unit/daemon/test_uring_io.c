/* What only io_uring can do wrong: rings that lack something, and entries that the kernel does not take. */
#include "daemon/helpers.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/refusals.h"
#include "tests/unit/daemon/said.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000 };

struct world {
	struct helpers helpers;
	struct backend *backend;
};

static void begin(struct world *w)
{
	need_backend(BACKEND_URING);
	memset(w, 0, sizeof *w);
	cr_assert_eq(helpers_init(&w->helpers, 1), 0);
	cr_assert_eq(backend_open(&w->backend, BACKEND_URING, &w->helpers), 0);
}

static void end(struct world *w)
{
	helpers_release(&w->helpers);
	backend_close(w->backend);
}

static void note_done(struct io_op *op)
{
	*(int *)op->owner += 1;
}

static void await_idle(struct world *w)
{
	uint64_t deadline = backend_now_ns() + 10ull * NS_PER_S;
	while (w->backend->busy > 0) {
		cr_assert_lt(backend_now_ns(), deadline);
		if (backend_poll(w->backend) == 0)
			backend_wait(w->backend, deadline);
	}
}

/* The flags */

static unsigned flags_refused; /* as by a kernel that has not got them yet */
static unsigned flags_tried[16];
static int tries;

static int setup_of_older_kernel(unsigned entries, struct io_uring *ring, unsigned flags)
{
	flags_tried[tries++] = flags;
	return flags & flags_refused ? -EINVAL : io_uring_queue_init(entries, ring, flags);
}

static unsigned flags_used_without(unsigned refused)
{
	struct io_uring ring;
	tries = 0;
	flags_refused = refused;
	cr_assert_eq(uring_io_make_ring(&ring, setup_of_older_kernel), 0);
	io_uring_queue_exit(&ring);
	return flags_tried[tries - 1];
}

Test(uring_io, flags_are_dropped_one_at_a_time)
{
	need_backend(BACKEND_URING);
	static const struct {
		unsigned refused, kept;
	} kernels[] = {
	    /* 6.0 */
	    {IORING_SETUP_DEFER_TASKRUN,
	     IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG},
	    /* 5.19 */
	    {IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER,
	     IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG},
	    /* 5.11 */
	    {IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN |
		 IORING_SETUP_TASKRUN_FLAG,
	     IORING_SETUP_CLAMP},
	};
	for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
		unsigned used = flags_used_without(kernels[i].refused);
		cr_assert_eq(used & kernels[i].kept, kernels[i].kept);
		cr_assert_eq(used & kernels[i].refused, 0);
	}
	cr_assert_eq(flags_used_without(~0u), 0, "at last none at all");
}

static int setup_refused(unsigned entries, struct io_uring *ring, unsigned flags)
{
	(void)entries;
	(void)ring;
	(void)flags;
	tries++;
	return -EPERM;
}

Test(uring_io, refusal_that_is_not_about_flags_is_taken_at_once)
{
	struct io_uring ring;
	tries = 0;
	cr_assert_eq(uring_io_make_ring(&ring, setup_refused), -EPERM);
	cr_assert_eq(tries, 1);
}

/* Before Linux 5.11: liburing would send the deadline of a wait as an operation, whose completion is not ours. */
static int setup_without_deadlines(unsigned entries, struct io_uring *ring, unsigned flags)
{
	int r = io_uring_queue_init(entries, ring, flags);
	ring->features &= ~(unsigned)IORING_FEAT_EXT_ARG;
	return r;
}

Test(uring_io, kernel_whose_waits_take_no_deadline_is_left_alone)
{
	need_backend(BACKEND_URING);
	struct io_uring ring;
	cr_assert_eq(uring_io_make_ring(&ring, setup_without_deadlines), -EOPNOTSUPP);
	cr_assert_eq(ring_descriptor(), -1);
}

/* Entries that the kernel does not take */

/* Overwrites what calls that have returned left on the stack. */
static void __attribute__((noinline)) clobber_stack(void)
{
	volatile char bytes[4096];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)0xa5;
}

/* Found by reading: how to open stood on the stack of a call that had returned when the entry was taken at last. */
Test(uring_io, open_that_the_kernel_takes_late_opens_as_asked, .timeout = 60)
{
	struct world w;
	begin(&w);
	refuse_to_enter_without_wait(EAGAIN);
	int done = 0;
	struct io_op op = {.code = IO_OPEN,
			   .fd = AT_FDCWD,
			   .open = {.path = "/dev/null", .flags = O_RDONLY},
			   .done = note_done,
			   .owner = &done};
	io_submit(&w.backend->io, &op);
	clobber_stack();
	await_idle(&w);
	cr_assert_eq(done, 1);
	cr_assert_geq(op.result, 0);
	cr_assert_eq(fcntl((int)op.result, F_GETFL) & O_ACCMODE, O_RDONLY);
	close((int)op.result);
	end(&w);
}

enum { CROWD = 1000 };

static struct io_op ops[CROWD];
static int done_count;

static void submit_reads(struct world *w, int fd, char *byte, bool stream)
{
	for (int i = 0; i < CROWD; i++) {
		ops[i] = (struct io_op){.code = IO_READ,
					.fd = fd,
					.stream = stream,
					.read = {.bytes = byte, .length = 1},
					.done = note_done,
					.owner = &done_count};
		io_submit(&w->backend->io, &ops[i]);
	}
}

static void assert_results(int64_t result)
{
	cr_assert_eq(done_count, CROWD);
	for (int i = 0; i < CROWD; i++)
		cr_assert_eq(ops[i].result, result, "%d: %d", i, (int)ops[i].result);
}

/* Found by reading: taking an entry looped for ever. */
Test(uring_io, crowd_that_finds_no_entry_free_is_carried_out_later, .timeout = 60)
{
	struct world w;
	begin(&w);
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	refuse_to_enter_without_wait(EAGAIN);
	char byte = 1;
	submit_reads(&w, fd, &byte, false);
	await_idle(&w);
	assert_results(1);
	close(fd);
	end(&w);
}

/* Some of them are in the kernel, some fill the entries, some have found none; some wait behind a poll. */
static void cancel_crowd(int fd)
{
	struct world w;
	begin(&w);
	refuse_to_enter_without_wait(EAGAIN);
	char byte;
	submit_reads(&w, fd, &byte, true);
	backend_wait(w.backend, backend_now_ns() + NS_PER_S / 1000);
	backend_poll(w.backend);
	backend_cancel_all(w.backend);
	await_idle(&w);
	assert_results(-ECANCELED);
	end(&w);
}

Test(uring_io, crowd_that_finds_no_entry_free_can_be_cancelled, .timeout = 60)
{
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cancel_crowd(ends[0]);
	close(ends[0]);
	close(ends[1]);
}

Test(uring_io, crowd_behind_polls_that_finds_no_entry_free_can_be_cancelled, .timeout = 60)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	cancel_crowd(fd);
	close(fd);
}

enum { CLOSED = 700 };

/* Nobody else knows its number any more. */
Test(uring_io, what_is_to_be_closed_is_closed_though_all_is_cancelled, .timeout = 60)
{
	struct world w;
	int fds[CLOSED], fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	begin(&w);
	refuse_to_enter_without_wait(EAGAIN);
	for (int i = 0; i < CLOSED; i++) {
		fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		cr_assert_geq(fds[i], 0);
		ops[i] = (struct io_op){
		    .code = IO_CLOSE, .fd = fds[i], .done = note_done, .owner = &done_count};
		io_submit(&w.backend->io, &ops[i]);
	}
	backend_cancel_all(w.backend);
	await_idle(&w);
	cr_assert_eq(done_count, CLOSED);
	for (int i = 0; i < CLOSED; i++)
		cr_assert_eq(fcntl(fds[i], F_GETFD), -1, "%d", i);
	close(fd);
	end(&w);
}

Test(uring_io, wait_ends_at_its_deadline_though_the_kernel_takes_nothing, .timeout = 60)
{
	struct world w;
	begin(&w);
	refuse_call(SYS_io_uring_enter, EAGAIN);
	uint64_t deadline = backend_now_ns() + NS_PER_S / 50;
	unsigned waits = 0;
	for (; backend_now_ns() < deadline; waits++)
		backend_wait(w.backend, deadline);
	cr_assert_leq(waits, 50, "it slept meanwhile");
	end(&w);
}

Test(uring_io, ring_refused_for_good_fails_all_and_says_so_once, .timeout = 60)
{
	struct world w;
	begin(&w);
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	char byte;
	int done = 0;
	struct io_op waiting = {.code = IO_READ,
				.fd = ends[0],
				.stream = true,
				.read = {.bytes = &byte, .length = 1},
				.done = note_done,
				.owner = &done};
	io_submit(&w.backend->io, &waiting);
	backend_poll(w.backend);
	refuse_call(SYS_io_uring_enter, EPERM);
	said_begin();
	submit_reads(&w, ends[0], &byte, true);
	await_idle(&w);
	assert_results(-EPERM);
	cr_assert_eq(done, 1);
	cr_assert_eq(waiting.result, -EPERM);
	submit_reads(&w, ends[0], &byte, true);
	done_count = 0;
	await_idle(&w);
	assert_results(-EPERM);
	cr_assert_eq(said_end("io_uring failed"), 1, "%s", said_text());
	close(ends[0]);
	close(ends[1]);
	end(&w);
}

static int add_one(void *argument)
{
	return *(int *)argument + 1;
}

static void *wake_it(void *backend)
{
	backend_wake(backend);
	return NULL;
}

/* Its worker has failed, but has to be woken and to wait for its helpers all the same. */
Test(uring_io, backend_whose_ring_is_gone_still_sleeps_wakes_and_helps, .timeout = 60)
{
	struct world w;
	begin(&w);
	refuse_call(SYS_io_uring_enter, EPERM);
	backend_wait(w.backend, UINT64_MAX);
	backend_poll(w.backend);
	cr_assert_eq(ring_descriptor(), -1);
	for (int i = 0; i < 3; i++) {
		pthread_t waker;
		cr_assert_eq(pthread_create(&waker, NULL, wake_it, w.backend), 0);
		backend_wait(w.backend, UINT64_MAX);
		pthread_join(waker, NULL);
	}
	int value = 41, done = 0;
	struct io_op op = {.code = IO_WORK,
			   .work = {.run = add_one, .argument = &value},
			   .done = note_done,
			   .owner = &done};
	io_submit(&w.backend->io, &op);
	while (!done)
		if (backend_poll(w.backend) == 0)
			backend_wait(w.backend, backend_now_ns() + NS_PER_S / 1000);
	cr_assert_eq(op.result, 42);
	end(&w);
}
