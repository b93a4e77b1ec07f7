/* uring_io.c - one ring, and who is where in it.
 *
 *   submit -> start --entry--> the kernel --result------------------------> finish
 *               |  ^              | -EAGAIN (a stream with O_NONBLOCK)         ^
 *     no entry  |  +---ready---  poll_first                                    |
 *     is free:  v                                                              |
 *              late: catch_up tries again at each poll and wait;  cancelled, and not in the kernel: at once
 *
 * What needs readiness only (readiness.h) is tried on the spot where others get an entry, so the kernel sees just its poll.
 *
 * A cancel can cross a completion that has not been looked at yet, so it leaves a mark on its op: an op that is marked
 * is not handed to the kernel again.
 *
 * The kernel may take nothing for a while (-EAGAIN, -EBUSY: no memory, completions waiting): that is waited for. Any
 * other refusal is for good: the ring is abandoned, and all that was and will be submitted fails with that error. */
#include "daemon/uring_io.h"
#include "daemon/log.h"
#include "daemon/readiness.h"

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

enum {
	RING_ENTRIES = 256,
	REAP_MAX = 64,
	RETRY_NS =
	    1000 * 1000, /* from one vain attempt to hand something to the kernel to the next */
};

/* What a completion's user_data points to is an op, unless it is one of these or carries the mark in its lowest bit. */
enum { USER_EVENT = 2, USER_CANCEL = 4, MARK_POLLED = 1 };

/* op->marks */
enum {
	OP_OURS = 1,    /* in flight: in the ring, in the kernel, or late */
	OP_POLLING = 2, /* waits, or is to wait, for its descriptor to become ready */
	OP_LATE = 4,    /* has found no free entry */
	OP_CANCELLED = 8,
	OP_CANCEL_LATE = 16, /* no free entry for the cancel */
};

struct uring_io {
	struct backend backend;
	struct io_uring ring;
	bool ring_made;
	int error; /* -errno with which the kernel has refused the ring for good, or 0 */
	int event; /* written by wake(), read by the ring */
	uint64_t event_count;
	bool event_armed;
	bool late; /* some of those in flight are late, or their cancel is */
	/* By entry: what an IO_OPEN in it points to until the kernel has taken it. */
	struct open_how hows[RING_ENTRIES];
};

static struct uring_io *from_io(struct io *io)
{
	return (struct uring_io *)(void *)io;
}

/* Making a ring */

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

/* Completions are never dropped; what entries point to is needed no longer than the call; a wait has its deadline as an
 * argument (without that, liburing sends it as an operation, whose completion would come to us). */
static const unsigned features_needed =
    IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_EXT_ARG;

int uring_io_make_ring(struct io_uring *ring,
		       int (*setup)(unsigned entries, struct io_uring *ring, unsigned flags))
{
	int r = -EINVAL;
	for (size_t i = 0; i < sizeof flag_sets / sizeof flag_sets[0] && r == -EINVAL; i++)
		r = setup(RING_ENTRIES, ring, flag_sets[i]);
	if (r == 0 && (ring->features & features_needed) != features_needed) {
		io_uring_queue_exit(ring);
		r = -EOPNOTSUPP;
	}
	return r;
}

int uring_io_probe(void)
{
	struct io_uring ring;
	int r = uring_io_make_ring(&ring, io_uring_queue_init);
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

/* Handing in */

static bool will_pass(int error)
{
	return error == -EAGAIN || error == -EBUSY || error == -ENOMEM || error == -EINTR ||
	       error == -ETIME;
}

/* r: what a call that enters the kernel has returned. */
static void note_refusal(struct uring_io *u, int r)
{
	if (r < 0 && !will_pass(r))
		u->error = r;
}

static void flush(struct uring_io *u)
{
	if (io_uring_sq_ready(&u->ring) > 0)
		note_refusal(u, io_uring_submit(&u->ring));
}

/* NULL: all are filled, and the kernel takes none now. */
static struct io_uring_sqe *take_sqe(struct uring_io *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	if (sqe)
		return sqe;
	flush(u);
	return io_uring_get_sqe(&u->ring);
}

static void prepare_open(struct uring_io *u, struct io_uring_sqe *sqe, const struct io_op *op)
{
	struct open_how *how = &u->hows[sqe - u->ring.sq.sqes];
	*how = (struct open_how){.flags = (unsigned)(op->open.flags | O_CLOEXEC),
				 .mode = op->open.mode,
				 .resolve = op->open.resolve};
	io_uring_prep_openat2(sqe, op->fd, op->open.path, how);
}

static void prepare(struct uring_io *u, struct io_uring_sqe *sqe, struct io_op *op)
{
	switch (op->code) {
	case IO_OPEN:
		prepare_open(u, sqe, op);
		break;
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
	case IO_WRITE_BACK:
		io_uring_prep_sync_file_range(sqe, op->fd, (unsigned)op->write_back.length,
					      op->write_back.at, SYNC_FILE_RANGE_WRITE);
		break;
	default:
		assert(op->code == IO_SYNC);
		io_uring_prep_fsync(sqe, op->fd, 0);
		break;
	}
	io_uring_sqe_set_data(sqe, op);
}

static void be_late(struct uring_io *u, struct io_op *op, unsigned mark)
{
	op->marks |= mark;
	u->late = true;
}

static void finish(struct uring_io *u, struct io_op *op, int64_t result)
{
	op->marks = 0;
	backend_untrack(&u->backend, op);
	backend_complete(&u->backend, op, result);
}

/* A descriptor with O_NONBLOCK answers -EAGAIN: wait until it is ready, then try again. */
static void poll_first(struct uring_io *u, struct io_op *op)
{
	op->marks &= ~(unsigned)OP_LATE;
	op->marks |= OP_POLLING;
	struct io_uring_sqe *sqe = take_sqe(u);
	if (!sqe) {
		be_late(u, op, OP_LATE);
		return;
	}
	io_uring_prep_poll_add(sqe, op->fd, (unsigned short)ready_events(op));
	sqe->user_data = (uint64_t)(uintptr_t)op | MARK_POLLED;
}

static void enter(struct uring_io *u, struct io_op *op)
{
	struct io_uring_sqe *sqe = take_sqe(u);
	if (sqe)
		prepare(u, sqe, op);
	else
		be_late(u, op, OP_LATE);
}

static void start(struct uring_io *u, struct io_op *op)
{
	int64_t result;
	op->marks &= ~(unsigned)(OP_POLLING | OP_LATE);
	if (op->code == IO_POLL)
		poll_first(u, op);
	else if (!ready_can_be_tried(op))
		enter(u, op);
	else if (ready_try(op, &result))
		finish(u, op, result);
	else
		poll_first(u, op);
}

static void send_cancel(struct uring_io *u, struct io_op *op)
{
	op->marks &= ~(unsigned)OP_CANCEL_LATE;
	struct io_uring_sqe *sqe = take_sqe(u);
	if (!sqe) {
		be_late(u, op, OP_CANCEL_LATE);
		return;
	}
	uint64_t mark = op->marks & OP_POLLING ? MARK_POLLED : 0;
	io_uring_prep_cancel64(sqe, (uint64_t)(uintptr_t)op | mark, 0);
	sqe->user_data = USER_CANCEL;
}

/* Those that were late once more, until one is late again. */
static void catch_up(struct uring_io *u)
{
	if (!u->late)
		return;
	u->late = false;
	for (struct io_op *op = u->backend.in_flight; op && !u->late; op = op->next)
		if (op->marks & OP_CANCEL_LATE)
			send_cancel(u, op);
		else if (op->marks & OP_LATE && op->marks & OP_POLLING)
			poll_first(u, op);
		else if (op->marks & OP_LATE)
			start(u, op);
}

static void submit(struct io *io, struct io_op *op)
{
	struct uring_io *u = from_io(io);
	u->backend.busy++;
	op->marks = 0;
	if (backend_submit_common(&u->backend, op))
		return;
	if (!u->ring_made) {
		backend_complete(&u->backend, op, u->error);
		return;
	}
	op->marks = OP_OURS;
	backend_track(&u->backend, op);
	start(u, op);
}

/* What is to be closed would stay open: nobody else has its number any more. */
static void cancel(struct io *io, struct io_op *op)
{
	struct uring_io *u = from_io(io);
	if (!(op->marks & OP_OURS) || op->code == IO_CLOSE)
		return;
	op->marks |= OP_CANCELLED;
	if (op->marks & OP_LATE)
		finish(u, op, -ECANCELED);
	else
		send_cancel(u, op);
}

/* What has come back. */

static void complete_op(struct uring_io *u, struct io_op *op, bool polled, int result)
{
	bool in_vain = result == -EAGAIN || result == -EINTR;
	if (op->marks & OP_CANCELLED && (polled || in_vain))
		finish(u, op, -ECANCELED);
	else if (polled && result >= 0 && op->code != IO_POLL)
		start(u, op);
	else if (!polled && op->stream && result == -EAGAIN)
		poll_first(u, op);
	else
		finish(u, op, result);
}

static void complete(struct uring_io *u, const struct io_uring_cqe *cqe)
{
	if (cqe->user_data == USER_CANCEL)
		return;
	if (cqe->user_data == USER_EVENT) {
		u->event_armed = false;
		return;
	}
	bool polled = cqe->user_data & MARK_POLLED;
	struct io_op *op = (struct io_op *)(uintptr_t)(cqe->user_data & ~(uint64_t)MARK_POLLED);
	complete_op(u, op, polled, cqe->res);
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

/* Closing the ring cancels what the kernel still has of it. A read from a disk may yet come to its end, into a buffer
 * that nothing reads into any more: every later operation fails too. */
static void abandon_ring(struct uring_io *u)
{
	log_line(LOG_LEVEL_ERROR, NULL, "io_uring failed", "error=%s", strerror(-u->error));
	io_uring_queue_exit(&u->ring);
	u->ring_made = false;
	fcntl(u->event, F_SETFL, O_NONBLOCK); /* from now on it is we who read it */
	while (u->backend.in_flight)
		finish(u, u->backend.in_flight, u->error);
}

static size_t uring_poll(struct backend *b)
{
	struct uring_io *u = (struct uring_io *)b;
	if (u->ring_made) {
		catch_up(u);
		if (io_uring_sq_ready(&u->ring) > 0)
			note_refusal(u, io_uring_submit_and_get_events(&u->ring));
		/* asks the kernel only when IORING_SQ_TASKRUN says that there is something to ask for */
		reap(u);
	}
	if (u->ring_made && u->error < 0)
		abandon_ring(u);
	return backend_deliver(b);
}

/* True if a wake will end the wait. */
static bool arm_event(struct uring_io *u)
{
	if (u->event_armed)
		return true;
	struct io_uring_sqe *sqe = take_sqe(u);
	if (!sqe)
		return false;
	io_uring_prep_read(sqe, u->event, &u->event_count, sizeof u->event_count, 0);
	sqe->user_data = USER_EVENT;
	u->event_armed = true;
	return true;
}

/* Hands in what there is and sleeps. What the kernel has returned. */
static int enter_and_wait(struct uring_io *u, uint64_t deadline_ns)
{
	struct io_uring_cqe *cqe;
	if (deadline_ns == UINT64_MAX)
		return io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, NULL, NULL);
	struct timespec left = backend_time_left(deadline_ns);
	struct __kernel_timespec ts = {.tv_sec = left.tv_sec, .tv_nsec = left.tv_nsec};
	return io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
}

static void wait_for_event(struct uring_io *u, uint64_t deadline_ns)
{
	struct pollfd polled = {.fd = u->event, .events = POLLIN};
	struct timespec left;
	if (deadline_ns != UINT64_MAX)
		left = backend_time_left(deadline_ns);
	if (ppoll(&polled, 1, deadline_ns == UINT64_MAX ? NULL : &left, NULL) > 0) {
		ssize_t ignored = read(u->event, &u->event_count, sizeof u->event_count);
		(void)ignored;
	}
}

static void wait_for_ring(struct uring_io *u, uint64_t deadline_ns)
{
	uint64_t retry_ns = backend_now_ns() + RETRY_NS;
	catch_up(u);
	bool all_in = arm_event(u) && !u->late;
	if (!all_in && retry_ns < deadline_ns)
		deadline_ns = retry_ns;
	int r = enter_and_wait(u, deadline_ns);
	note_refusal(u, r);
	reap(u);
	/* -ETIME, -EINTR: the runner looks again. Refused: again, but not as fast as a loop can. */
	if (r < 0 && r != -ETIME && r != -EINTR && !u->backend.completed) {
		struct timespec nap = {.tv_nsec = RETRY_NS};
		ppoll(NULL, 0, &nap, NULL);
	}
}

static void uring_wait(struct backend *b, uint64_t deadline_ns)
{
	struct uring_io *u = (struct uring_io *)b;
	if (b->completed)
		return;
	if (u->ring_made && b->rest_until_ns > 0)
		flush(u); /* while we rest, others go on */
	backend_rest(b, deadline_ns);
	if (u->ring_made)
		wait_for_ring(u, deadline_ns);
	else
		wait_for_event(u, deadline_ns);
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
	int r = u->event < 0 ? -errno : uring_io_make_ring(&u->ring, io_uring_queue_init);
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
