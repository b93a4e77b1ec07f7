#include "daemon/plain_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STREAMS_MAX = 1024, SPANS_MAX = 64 };

struct plain_io {
	struct backend backend;
	int event;                             /* wakes the poll */
	struct pollfd polled[1 + STREAMS_MAX]; /* [0] is event; [1 + i] belongs to streams[i] */
	struct io_op *streams[STREAMS_MAX];
	size_t stream_count;
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

static int64_t carry_out(const struct io_op *op)
{
	switch (op->code) {
	case IO_OPEN:
		return open_beneath(op);
	case IO_CLOSE:
		return or_errno(close(op->fd));
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

static void remove_stream(struct plain_io *p, size_t i)
{
	backend_untrack(&p->backend, p->streams[i]);
	p->stream_count--;
	p->streams[i] = p->streams[p->stream_count];
	p->polled[1 + i] = p->polled[1 + p->stream_count];
}

static void add_stream(struct plain_io *p, struct io_op *op)
{
	if (p->stream_count == STREAMS_MAX) {
		backend_complete(&p->backend, op, -EMFILE);
		return;
	}
	size_t i = p->stream_count++;
	p->streams[i] = op;
	p->polled[1 + i] =
	    (struct pollfd){.fd = op->fd, .events = op->code == IO_READ ? POLLIN : POLLOUT};
	backend_track(&p->backend, op);
}

static void submit(struct io *io, struct io_op *op)
{
	struct plain_io *p = from_io(io);
	p->backend.busy++;
	if (backend_submit_common(&p->backend, op))
		return;
	if (op->stream)
		add_stream(p, op);
	else
		backend_complete(&p->backend, op, carry_out(op));
}

static void cancel(struct io *io, struct io_op *op)
{
	struct plain_io *p = from_io(io);
	for (size_t i = 0; i < p->stream_count; i++) {
		if (p->streams[i] == op) {
			remove_stream(p, i);
			backend_complete(&p->backend, op, -ECANCELED);
			return;
		}
	}
}

/* Polls for at most `timeout` (NULL: for ever) and carries out what is ready. */
static void poll_streams(struct plain_io *p, const struct timespec *timeout)
{
	if (ppoll(p->polled, 1 + p->stream_count, timeout, NULL) <= 0)
		return;
	if (p->polled[0].revents) {
		uint64_t count;
		ssize_t ignored = read(p->event, &count, sizeof count);
		(void)ignored;
	}
	for (size_t i = p->stream_count; i-- > 0;) {
		if (!p->polled[1 + i].revents)
			continue;
		struct io_op *op = p->streams[i];
		int64_t result = carry_out_stream(op);
		if (result == -EAGAIN)
			continue;
		remove_stream(p, i);
		backend_complete(&p->backend, op, result);
	}
}

static size_t plain_poll(struct backend *b)
{
	struct plain_io *p = (struct plain_io *)b;
	static const struct timespec at_once;
	if (p->stream_count > 0)
		poll_streams(p, &at_once);
	return backend_deliver(b);
}

static void plain_wait(struct backend *b, uint64_t deadline_ns)
{
	struct plain_io *p = (struct plain_io *)b;
	if (b->completed)
		return;
	struct timespec left = {0};
	if (deadline_ns != UINT64_MAX)
		left = backend_time_left(deadline_ns);
	poll_streams(p, deadline_ns == UINT64_MAX ? NULL : &left);
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
	p->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->event < 0) {
		int r = -errno;
		backend_close(&p->backend);
		return r;
	}
	p->polled[0] = (struct pollfd){.fd = p->event, .events = POLLIN};
	*ret_backend = &p->backend;
	return 0;
}
