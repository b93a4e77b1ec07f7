#include "daemon/plain_io.h"
#include "daemon/readiness.h"
#include "daemon/waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPANS_MAX = 64 };

struct plain_io {
	struct backend backend;
	int event; /* wakes who waits */
	struct waiting waiting;
};

static struct plain_io *from_io(struct io *io)
{
	return (struct plain_io *)(void *)io;
}

/* openat2(2), which libc does not wrap. */
static int open_beneath(const struct io_op *op)
{
	struct open_how how = {.flags = (unsigned)(op->open.flags | O_CLOEXEC),
			       .mode = op->open.mode,
			       .resolve = op->open.resolve};
	long fd = syscall(SYS_openat2, op->fd, op->open.path, &how, sizeof how);
	return fd < 0 ? -errno : (int)fd;
}

static int64_t close_it(struct plain_io *p, const struct io_op *op)
{
	waiting_forget(&p->waiting, op->fd);
	return or_errno(close(op->fd));
}

static int64_t carry_out(struct plain_io *p, const struct io_op *op)
{
	switch (op->code) {
	case IO_OPEN:
		return open_beneath(op);
	case IO_CLOSE:
		return close_it(p, op);
	case IO_READ:
		return or_errno(pread(op->fd, op->read.bytes, op->read.length, (off_t)op->read.at));
	case IO_DATASYNC:
		return or_errno(fdatasync(op->fd));
	case IO_WRITE_BACK:
		return or_errno(sync_file_range(op->fd, (off_t)op->write_back.at,
						(off_t)op->write_back.length,
						SYNC_FILE_RANGE_WRITE));
	default:
		assert(op->code == IO_SYNC);
		return or_errno(fsync(op->fd));
	}
}

/* A blocking pipe that poll(2) calls writable takes PIPE_BUF bytes without blocking, and no more for sure. */
static int64_t write_cautiously(const struct io_op *op)
{
	struct iovec some[SPANS_MAX];
	unsigned n = 0;
	size_t left = PIPE_BUF;
	for (; n < op->write.count && n < SPANS_MAX && left > 0; n++) {
		some[n] = op->write.spans[n];
		if (some[n].iov_len > left)
			some[n].iov_len = left;
		left -= some[n].iov_len;
	}
	return or_errno(writev(op->fd, some, (int)n));
}

static int64_t carry_out_stream(const struct io_op *op)
{
	if (op->code == IO_READ)
		return or_errno(read(op->fd, op->read.bytes, op->read.length));
	if (fcntl(op->fd, F_GETFL) & O_NONBLOCK)
		return or_errno(writev(op->fd, op->write.spans, (int)op->write.count));
	return write_cautiously(op);
}

/* Waits, or at the end of its wait: what it comes to. False: it goes on waiting. */
static bool try_op(void *owner, struct io_op *op, short ready)
{
	struct plain_io *p = owner;
	int64_t result;
	if (ready & POLLNVAL)
		result = -EBADF;
	else if (op->code == IO_POLL)
		result = ready;
	else if (op->stream)
		result = carry_out_stream(op);
	else if (!ready_try(op, &result))
		return false;
	if (op->stream && result == -EAGAIN)
		return false;
	backend_untrack(&p->backend, op);
	backend_complete(&p->backend, op, result);
	return true;
}

/* A file is always ready. */
static void wait_for(struct plain_io *p, struct io_op *op)
{
	int r = waiting_add(&p->waiting, op, ready_events(op));
	if (r == 0)
		backend_track(&p->backend, op);
	else if (r == -EPERM && op->code == IO_POLL)
		backend_complete(&p->backend, op, op->poll.events);
	else if (r == -EPERM && op->stream)
		backend_complete(&p->backend, op, carry_out_stream(op));
	else
		backend_complete(&p->backend, op, r);
}

static void submit(struct io *io, struct io_op *op)
{
	struct plain_io *p = from_io(io);
	p->backend.busy++;
	op->marks = 0;
	if (backend_submit_common(&p->backend, op))
		return;
	int64_t result;
	if (ready_can_be_tried(op) && ready_try(op, &result))
		backend_complete(&p->backend, op, result);
	else if (op->stream || op->code == IO_POLL || ready_can_be_tried(op))
		wait_for(p, op);
	else
		backend_complete(&p->backend, op, carry_out(p, op));
}

static void cancel(struct io *io, struct io_op *op)
{
	struct plain_io *p = from_io(io);
	if (!(op->marks & WAITING))
		return;
	waiting_remove(&p->waiting, op);
	backend_untrack(&p->backend, op);
	backend_complete(&p->backend, op, -ECANCELED);
}

static void take_ready(struct plain_io *p)
{
	uint64_t count;
	if (!waiting_take(&p->waiting, try_op, p))
		return;
	ssize_t ignored = read(p->event, &count, sizeof count);
	(void)ignored;
}

static size_t plain_poll(struct backend *b)
{
	struct plain_io *p = (struct plain_io *)b;
	if (p->waiting.count > 0)
		take_ready(p);
	return backend_deliver(b);
}

/* The set itself is polled, as epoll_wait(2) counts in milliseconds. */
static void plain_wait(struct backend *b, uint64_t deadline_ns)
{
	struct plain_io *p = (struct plain_io *)b;
	if (b->completed)
		return;
	backend_rest(b, deadline_ns);
	struct timespec left = {0};
	if (deadline_ns != UINT64_MAX)
		left = backend_time_left(deadline_ns);
	struct pollfd set = {.fd = p->waiting.set, .events = POLLIN};
	if (ppoll(&set, 1, deadline_ns == UINT64_MAX ? NULL : &left, NULL) > 0)
		take_ready(p);
}

static void plain_wake(struct backend *b)
{
	struct plain_io *p = (struct plain_io *)b;
	uint64_t one = 1;
	ssize_t ignored = write(p->event, &one, sizeof one); /* fails only when it is set already */
	(void)ignored;
}

static void plain_release(struct backend *b)
{
	struct plain_io *p = (struct plain_io *)b;
	if (p->event >= 0)
		close(p->event);
	waiting_release(&p->waiting);
	free(p);
}

static const struct io_ops plain_io_ops = {.submit = submit, .cancel = cancel};
static const struct backend_ops plain_backend_ops = {
    .poll = plain_poll, .wait = plain_wait, .wake = plain_wake, .release = plain_release};

int plain_io_open(struct backend **ret_backend, struct helpers *helpers)
{
	struct plain_io *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->backend.io.ops = &plain_io_ops;
	p->backend.ops = &plain_backend_ops;
	backend_init(&p->backend, helpers);
	int r = waiting_init(&p->waiting);
	p->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r == 0)
		r = p->event < 0 ? -errno : waiting_watch(&p->waiting, p->event);
	if (r < 0) {
		backend_close(&p->backend);
		return r;
	}
	*ret_backend = &p->backend;
	return 0;
}
