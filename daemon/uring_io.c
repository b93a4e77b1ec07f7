#include "daemon/uring_io.h"
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { RING_ENTRIES = 256, REAP_MAX = 64 };

/* What a completion's user_data points to is an op, unless it is one of these or carries the mark in its lowest bit. */
enum { USER_EVENT = 2, USER_CANCEL = 4, MARK_POLLED = 1 };

struct uring_io {
	struct backend backend;
	struct io_uring ring;
	bool ring_made;
	int event; /* written by wake(), read by the ring */
	uint64_t event_count;
	bool event_armed;
	unsigned unsubmitted;
};

static struct uring_io *from_io(struct io *io)
{
	return (struct uring_io *)(void *)io;
}

/* Best first; each next one lacks one flag. */
static const unsigned flag_sets[] = {
    IORING_SETUP_CLAMP | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
	IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_CLAMP | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN |
	IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_CLAMP,
    0,
};

static int make_ring(struct io_uring *ring)
{
	int r = -EINVAL;
	for (size_t i = 0; i < sizeof flag_sets / sizeof flag_sets[0] && r == -EINVAL; i++)
		r = io_uring_queue_init(RING_ENTRIES, ring, flag_sets[i]);
	return r;
}

int uring_io_probe(void)
{
	struct io_uring ring;
	int r = make_ring(&ring);
	if (r < 0)
		return r;
	struct io_uring_probe *probe = io_uring_get_probe_ring(&ring);
	bool usable = probe && io_uring_opcode_supported(probe, IORING_OP_OPENAT2) &&
		      io_uring_opcode_supported(probe, IORING_OP_READ) &&
		      io_uring_opcode_supported(probe, IORING_OP_CLOSE);
	io_uring_free_probe(probe);
	io_uring_queue_exit(&ring);
	return usable ? 0 : -EOPNOTSUPP;
}

static void flush(struct uring_io *u)
{
	if (u->unsubmitted == 0)
		return;
	int r = io_uring_submit(&u->ring);
	if (r > 0)
		u->unsubmitted -= (unsigned)r;
}

static struct io_uring_sqe *take_sqe(struct uring_io *u)
{
	struct io_uring_sqe *sqe;
	while ((sqe = io_uring_get_sqe(&u->ring)) == NULL)
		flush(u);
	u->unsubmitted++;
	return sqe;
}

static void prepare_open(struct uring_io *u, struct io_uring_sqe *sqe, struct io_op *op)
{
	struct open_how how = {.flags = (unsigned)(op->open.flags | O_CLOEXEC),
			       .mode = op->open.mode,
			       .resolve = op->open.resolve};
	io_uring_prep_openat2(sqe, op->fd, op->open.path, &how);
	io_uring_sqe_set_data(sqe, op);
	flush(u); /* the kernel copies `how` now */
}

static void prepare(struct io_uring_sqe *sqe, struct io_op *op)
{
	switch (op->code) {
	case IO_CLOSE:
		io_uring_prep_close(sqe, op->fd);
		break;
	case IO_READ:
		io_uring_prep_read(sqe, op->fd, op->read.bytes,
				   op->read.length > 1u << 30 ? 1u << 30
							      : (unsigned)op->read.length,
				   op->stream ? (uint64_t)-1 : op->read.at);
		break;
	case IO_WRITE:
		assert(op->stream); /* files are written on the spot: backend.h */
		io_uring_prep_writev(sqe, op->fd, op->write.spans, op->write.count, (uint64_t)-1);
		break;
	case IO_DATASYNC:
		io_uring_prep_fsync(sqe, op->fd, IORING_FSYNC_DATASYNC);
		break;
	default:
		assert(op->code == IO_SYNC);
		io_uring_prep_fsync(sqe, op->fd, 0);
		break;
	}
	io_uring_sqe_set_data(sqe, op);
}

static void submit(struct io *io, struct io_op *op)
{
	struct uring_io *u = from_io(io);
	u->backend.busy++;
	if (backend_submit_common(&u->backend, op))
		return;
	backend_track(&u->backend, op);
	struct io_uring_sqe *sqe = take_sqe(u);
	if (op->code == IO_OPEN)
		prepare_open(u, sqe, op);
	else
		prepare(sqe, op);
}

static void cancel(struct io *io, struct io_op *op)
{
	struct uring_io *u = from_io(io);
	/* The op may be in the ring itself, or waiting behind a poll of its descriptor. */
	struct io_uring_sqe *sqe = take_sqe(u);
	io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)op, 0);
	sqe->user_data = USER_CANCEL;
	sqe = take_sqe(u);
	io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)op | MARK_POLLED, 0);
	sqe->user_data = USER_CANCEL;
}

/* A descriptor with O_NONBLOCK answers -EAGAIN: wait until it is ready, then try again. */
static void poll_first(struct uring_io *u, struct io_op *op)
{
	struct io_uring_sqe *sqe = take_sqe(u);
	io_uring_prep_poll_add(sqe, op->fd, op->code == IO_READ ? POLLIN : POLLOUT);
	sqe->user_data = (uint64_t)(uintptr_t)op | MARK_POLLED;
}

static void complete(struct uring_io *u, const struct io_uring_cqe *cqe)
{
	if (cqe->user_data == USER_CANCEL)
		return;
	if (cqe->user_data == USER_EVENT) {
		u->event_armed = false;
		return;
	}
	struct io_op *op = (struct io_op *)(uintptr_t)(cqe->user_data & ~(uint64_t)MARK_POLLED);
	if (cqe->user_data & MARK_POLLED && cqe->res >= 0) {
		prepare(take_sqe(u), op);
		return;
	}
	if (op->stream && cqe->res == -EAGAIN) {
		poll_first(u, op);
		return;
	}
	backend_untrack(&u->backend, op);
	backend_complete(&u->backend, op, cqe->res);
}

static void reap(struct uring_io *u)
{
	struct io_uring_cqe *cqes[REAP_MAX];
	unsigned n;
	while ((n = io_uring_peek_batch_cqe(&u->ring, cqes, REAP_MAX)) > 0) {
		for (unsigned i = 0; i < n; i++)
			complete(u, cqes[i]);
		io_uring_cq_advance(&u->ring, n);
	}
}

static size_t uring_poll(struct backend *b)
{
	struct uring_io *u = (struct uring_io *)b;
	if (u->unsubmitted > 0) {
		int r = io_uring_submit_and_get_events(&u->ring);
		if (r > 0)
			u->unsubmitted -= (unsigned)r;
	}
	reap(
	    u); /* asks the kernel only when IORING_SQ_TASKRUN says that there is something to ask for */
	return backend_deliver(b);
}

static void arm_event(struct uring_io *u)
{
	if (u->event_armed)
		return;
	struct io_uring_sqe *sqe = take_sqe(u);
	io_uring_prep_read(sqe, u->event, &u->event_count, sizeof u->event_count, 0);
	sqe->user_data = USER_EVENT;
	u->event_armed = true;
}

static struct __kernel_timespec time_left(uint64_t deadline_ns)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	uint64_t ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	return (struct __kernel_timespec){.tv_sec = (long long)(ns / 1000000000),
					  .tv_nsec = (long long)(ns % 1000000000)};
}

static void uring_wait(struct backend *b, uint64_t deadline_ns)
{
	struct uring_io *u = (struct uring_io *)b;
	if (b->completed)
		return;
	arm_event(u);
	struct io_uring_cqe *cqe;
	struct __kernel_timespec left;
	if (deadline_ns != UINT64_MAX)
		left = time_left(deadline_ns);
	int r = io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1,
						 deadline_ns == UINT64_MAX ? NULL : &left, NULL);
	(void)r; /* -ETIME, -EINTR: the runner looks again */
	u->unsubmitted = io_uring_sq_ready(&u->ring);
	reap(u);
}

static void uring_wake(struct backend *b)
{
	struct uring_io *u = (struct uring_io *)b;
	uint64_t one = 1;
	ssize_t ignored = write(u->event, &one, sizeof one);
	(void)ignored;
}

static void uring_release(struct backend *b)
{
	struct uring_io *u = (struct uring_io *)b;
	if (u->ring_made)
		io_uring_queue_exit(&u->ring);
	if (u->event >= 0)
		close(u->event);
	free(u);
}

static const struct io_ops uring_io_ops = {.submit = submit, .cancel = cancel};
static const struct backend_ops uring_backend_ops = {
    .poll = uring_poll, .wait = uring_wait, .wake = uring_wake, .release = uring_release};

int uring_io_open(struct backend **ret_backend, struct helpers *helpers)
{
	struct uring_io *u = calloc(1, sizeof *u);
	if (!u)
		return -ENOMEM;
	u->backend.io.ops = &uring_io_ops;
	u->backend.ops = &uring_backend_ops;
	backend_init(&u->backend, helpers);
	u->event = eventfd(0, EFD_CLOEXEC);
	int r = u->event < 0 ? -errno : make_ring(&u->ring);
	if (r < 0) {
		backend_close(&u->backend);
		return r;
	}
	u->ring_made = true;
	io_uring_register_ring_fd(
	    &u->ring); /* spares a look-up in each call; older kernels refuse, without harm */
	*ret_backend = &u->backend;
	return 0;
}
