#include "daemon/backend.h"
#include "daemon/helpers.h"
#include "daemon/log.h"
#include "daemon/plain_io.h"
#include "daemon/processes.h"
#include "daemon/sockets.h"
#include "daemon/stand_in.h"
#include "daemon/status.h"
#include "daemon/uring_io.h"
#include "stages/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int backend_choose(enum backend_kind wanted, enum backend_kind *ret_kind)
{
	if (wanted == BACKEND_PLAIN) {
		*ret_kind = BACKEND_PLAIN;
		return 0;
	}
	int r = uring_io_probe();
	if (r < 0 && wanted == BACKEND_URING)
		return r;
	if (r < 0)
		log_line(LOG_LEVEL_INFO, NULL, "io_uring refused, using plain reads and writes",
			 "error=%s", strerror(-r));
	*ret_kind = r < 0 ? BACKEND_PLAIN : wanted;
	return 0;
}

int backend_open(struct backend **ret_backend, enum backend_kind kind, struct helpers *helpers)
{
	if (kind == BACKEND_PLAIN)
		return plain_io_open(ret_backend, helpers);
	int r = uring_io_open(ret_backend, helpers);
	if (r == 0 || kind == BACKEND_URING)
		return r;
	char thread[16] = "";
	pthread_getname_np(pthread_self(), thread, sizeof thread);
	log_line(LOG_LEVEL_INFO, NULL, "io_uring refused, using plain reads and writes",
		 "thread=%s error=%s", thread, strerror(-r));
	return plain_io_open(ret_backend, helpers);
}

uint64_t backend_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct timespec backend_time_left(uint64_t deadline_ns)
{
	uint64_t now_ns = backend_now_ns();
	uint64_t ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
				 .tv_nsec = (long)(ns % 1000000000)};
}

void backend_rest(const struct backend *b, uint64_t deadline_ns)
{
	uint64_t until_ns = b->rest_until_ns < deadline_ns ? b->rest_until_ns : deadline_ns;
	if (until_ns == 0)
		return;
	struct timespec left = backend_time_left(until_ns);
	ppoll(NULL, 0, &left, NULL);
}

void backend_init(struct backend *b, struct helpers *helpers)
{
	b->helpers = helpers;
	stack_init(&b->helped);
}

void backend_close(struct backend *b)
{
	if (!b)
		return;
	assert(b->busy == 0);
	stack_release(&b->helped);
	b->ops->release(b);
}

void backend_track(struct backend *b, struct io_op *op)
{
	op->prev = NULL;
	op->next = b->in_flight;
	if (b->in_flight)
		b->in_flight->prev = op;
	b->in_flight = op;
}

void backend_untrack(struct backend *b, struct io_op *op)
{
	if (op->prev)
		op->prev->next = op->next;
	else
		b->in_flight = op->next;
	if (op->next)
		op->next->prev = op->prev;
}

void backend_complete(struct backend *b, struct io_op *op, int64_t result)
{
	op->result = op->code == IO_SYNC ? synced_or_never_needed(op->fd, result) : result;
	op->next = NULL;
	if (b->completed_last)
		b->completed_last->next = op;
	else
		b->completed = op;
	b->completed_last = op;
}

static void collect_helped(struct backend *b)
{
	struct stack_node *n = stack_take_all(&b->helped);
	while (n) {
		struct io_op *op =
		    (struct io_op *)(void *)((char *)n - offsetof(struct io_op, node));
		n = n->next;
		b->helping--;
		backend_complete(b, op, op->result);
	}
}

size_t backend_deliver(struct backend *b)
{
	collect_helped(b);
	size_t n = 0;
	struct io_op *op = b->completed; /* what dones complete inline waits for the next round */
	b->completed = b->completed_last = NULL;
	while (op) {
		struct io_op *next = op->next;
		op->busy = false;
		b->busy--;
		n++;
		op->done(op);
		op = next;
	}
	return n;
}

int backend_carry(struct backend *b, int (*step)(void *machine), void *machine)
{
	for (;;) {
		int result = step(machine);
		if (result == STEP_DONE || result < 0)
			return result < 0 ? result : 0;
		if (backend_poll(b) == 0 && result == STEP_WAIT)
			backend_wait(b, UINT64_MAX);
	}
}

void backend_cancel_all(struct backend *b)
{
	struct io_op *next;
	for (struct io_op *op = b->in_flight; op; op = next) {
		next = op->next;
		b->io.ops->cancel(&b->io, op);
	}
}

/* Of the two kinds of lock that belong to an open file description, and so end with it however its process ends and
 * hold between two descriptions of one process too, the one that flock(1) takes and shows: a script can keep us off a
 * file, or see whether we are on it, which F_OFD_SETLK offers nobody. On NFS the kernel makes either the same lock. */
static int64_t lock(int fd)
{
	int64_t r = or_errno(flock(fd, LOCK_EX | LOCK_NB));
	return r == -EWOULDBLOCK ? -EBUSY : r;
}

/* Takes all that is in the pipe, so that whoever opens it next finds nothing of it, whether or not our end has been
 * closed by then. */
static int64_t empty_pipe(int fd)
{
	char path[32], bytes[4096];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (reader < 0)
		return -errno;
	int64_t taken = 0;
	for (ssize_t n; (n = read(reader, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR);)
		taken += n > 0 ? n : 0;
	close(reader);
	return taken;
}

int64_t backend_look_into_pipe(struct io_op *op)
{
	int64_t unsent = sockets_unsent(op->fd);
	if (unsent != -ENOTSOCK)
		return unsent;
	struct pollfd end = {.fd = op->fd, .events = POLLOUT};
	int bytes = 0;
	if (poll(&end, 1, 0) < 0)
		return -errno;
	op->unread.alone = end.revents & POLLERR;
	if (ioctl(op->fd, FIONREAD, &bytes) < 0)
		return -errno;
	int64_t taken = op->unread.take ? empty_pipe(op->fd) : -EACCES;
	return taken < 0 ? bytes : taken;
}

static int64_t carry_out(struct io_op *op)
{
	switch (op->code) {
	case IO_WRITE:
		return or_errno(
		    pwritev(op->fd, op->write.spans, (int)op->write.count, (off_t)op->write.at));
	case IO_TRUNCATE:
		return or_errno(ftruncate(op->fd, (off_t)op->truncate.length));
	case IO_STAT:
		return status_read(op->fd, op->stat.path, op->stat.into);
	case IO_RENAME:
		return op->rename.replace
			   ? or_errno(renameat(op->fd, op->rename.from, op->fd, op->rename.to))
			   : rename_without_replacing(op->fd, op->rename.from, op->rename.to);
	case IO_LOCK:
		return lock(op->fd);
	case IO_UNREAD:
		return backend_look_into_pipe(op);
	case IO_UNLINK:
		return or_errno(unlinkat(op->fd, op->unlink.path, 0));
	case IO_MKDIR:
		return or_errno(mkdirat(op->fd, op->mkdir.path, op->mkdir.mode));
	case IO_WATCH_NEW:
		return or_errno(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
	case IO_WATCH_ADD:
		return or_errno(inotify_add_watch(op->fd, op->watch.path, op->watch.mask));
	case IO_WATCH_REMOVE:
		return or_errno(inotify_rm_watch(op->fd, op->watch.descriptor));
	case IO_LISTEN:
		return sockets_listen(op);
	case IO_SOCKET:
		return sockets_open(op);
	case IO_SET_OPTION:
		return sockets_set_option(op);
	case IO_SHUTDOWN:
		return sockets_shut_down(op);
	case IO_SIGNAL:
		return processes_signal(op);
	default:
		return -EOPNOTSUPP;
	}
}

/* What is there at the moment, of a stream or of datagrams. */
static int64_t take_at_once(const struct io_op *op)
{
	if (op->code == IO_RECEIVE)
		return sockets_receive(op);
	return or_errno(recv(op->fd, op->read.bytes, op->read.length, MSG_DONTWAIT));
}

bool backend_submit_common(struct backend *b, struct io_op *op)
{
	if (op->at_once) {
		backend_complete(b, op, take_at_once(op));
		return true;
	}
	switch (op->code) {
	case IO_LIST:
	case IO_RESOLVE:
	case IO_SPAWN:
		if (!b->helpers) {
			backend_complete(b, op, helpers_carry_out(op));
			return true;
		}
		/* fall through */
	case IO_WORK:
		b->helping++;
		helpers_submit(b->helpers, op);
		return true;
	case IO_WRITE:
		if (op->stream)
			return false;
		backend_complete(b, op, carry_out(op));
		return true;
	case IO_OPEN:
	case IO_CLOSE:
	case IO_READ:
	case IO_DATASYNC:
	case IO_WRITE_BACK:
	case IO_SYNC:
	case IO_ACCEPT:
	case IO_CONNECT:
	case IO_RECEIVE:
	case IO_SEND:
	case IO_POLL:
	case IO_AWAIT:
		return false;
	default:
		backend_complete(b, op, carry_out(op));
		return true;
	}
}
