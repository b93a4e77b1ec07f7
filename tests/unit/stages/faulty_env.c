#include "tests/unit/stages/faulty_env.h"
#include "daemon/backend.h"
#include "daemon/listing.h"
#include "daemon/status.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct faulty_env *of(struct env *e)
{
	return (struct faulty_env *)e;
}

static uint64_t now_ns(struct env *e)
{
	return of(e)->now_ns;
}

static int64_t wall_ns(struct env *e)
{
	return of(e)->wall_ns;
}

static uint64_t next_random(struct env *e)
{
	uint64_t x = of(e)->random += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static void wake_at(struct env *e, uint64_t when_ns)
{
	struct faulty_env *f = of(e);
	if (f->wake_ns == 0 || when_ns < f->wake_ns)
		f->wake_ns = when_ns;
}

static void say(struct env *e, enum say_level level, const char *event, const char *format,
		va_list args)
{
	struct faulty_env *f = of(e);
	(void)level;
	if (f->event_count < FAULTY_EVENTS_MAX)
		f->events[f->event_count++] = event;
	char text[4096];
	vsnprintf(text, sizeof text, format, args);
}

static void *run_work(void *argument)
{
	struct io_op *op = argument;
	op->result = op->work.run(op->work.argument);
	return NULL;
}

static void submit(struct io *io, struct io_op *op)
{
	struct faulty_env *e =
	    (struct faulty_env *)(void *)((char *)io - offsetof(struct faulty_env, io));
	if (e->pending_count == FAULTY_PENDING_MAX)
		abort();
	struct faulty_pending *p = &e->pending[e->pending_count++];
	p->op = op;
	if (op->code == IO_WORK && pthread_create(&p->thread, NULL, run_work, op) != 0)
		abort();
	size_t writes = 0;
	for (size_t i = 0; i < e->pending_count; i++)
		writes += e->pending[i].op->code == IO_WRITE;
	if (writes > e->in_flight_most)
		e->in_flight_most = writes;
}

static void cancel(struct io *io, struct io_op *op)
{
	(void)io;
	(void)op;
}

static int64_t answer(int64_t r)
{
	return r < 0 ? -errno : r;
}

static int64_t open_file(const struct io_op *op)
{
	struct open_how how = {
	    .flags = (unsigned)op->open.flags, .mode = op->open.mode, .resolve = op->open.resolve};
	return answer(syscall(SYS_openat2, op->fd, op->open.path, &how, sizeof how));
}

/* Leaves at least one byte, if there are any. */
static int shorten(struct faulty_env *e, struct iovec *spans, int count)
{
	size_t total = 0;
	for (int i = 0; i < count; i++)
		total += spans[i].iov_len;
	if (total == 0)
		return count;
	size_t left = 1 + (size_t)faulty_env_random(e, total);
	int i = 0;
	for (; spans[i].iov_len < left; i++)
		left -= spans[i].iov_len;
	spans[i].iov_len = left;
	return i + 1;
}

static int64_t write_some(struct faulty_env *e, const struct io_op *op)
{
	struct iovec spans[64];
	int count = (int)op->write.count;
	e->writes++;
	if (e->write_error)
		return e->write_error;
	if (count > 64)
		return -EINVAL;
	memcpy(spans, op->write.spans, (size_t)count * sizeof *spans);
	if (faulty_env_random(e, 100) < e->short_percent)
		count = shorten(e, spans, count);
	if (op->stream)
		return answer(writev(op->fd, spans, count));
	return answer(pwritev(op->fd, spans, count, (off_t)op->write.at));
}

static int64_t carry_out(struct faulty_env *e, struct io_op *op)
{
	bool takes_space = op->code == IO_WRITE || op->code == IO_MKDIR || op->code == IO_RENAME ||
			   (op->code == IO_OPEN && op->open.flags & O_CREAT);
	if (op->code != IO_WORK && faulty_env_random(e, 100) < e->interrupt_percent &&
	    op->code != IO_CLOSE)
		return -EINTR;
	if (takes_space && e->now_ns < e->full_until_ns)
		return -ENOSPC;
	switch (op->code) {
	case IO_OPEN:
		return open_file(op);
	case IO_CLOSE:
		return answer(close(op->fd));
	case IO_LOCK: {
		int64_t r = answer(flock(op->fd, LOCK_EX | LOCK_NB));
		return r == -EWOULDBLOCK ? -EBUSY : r;
	}
	case IO_UNREAD:
		return backend_look_into_pipe(op);
	case IO_READ:
		return answer(pread(op->fd, op->read.bytes, op->read.length, (off_t)op->read.at));
	case IO_WRITE:
		return write_some(e, op);
	case IO_STAT:
		return status_read(op->fd, op->stat.path, op->stat.into);
	case IO_RENAME:
		return answer(renameat2(op->fd, op->rename.from, op->fd, op->rename.to,
					op->rename.replace ? 0 : RENAME_NOREPLACE));
	case IO_DATASYNC:
	case IO_SYNC:
		return 0; /* the kernel does not go away */
	case IO_WRITE_BACK:
		return e->write_error;
	case IO_TRUNCATE:
		return answer(ftruncate(op->fd, (off_t)op->truncate.length));
	case IO_LIST:
		return listing_read(op->fd, op->list.path, op->list.into);
	case IO_UNLINK:
		return answer(unlinkat(op->fd, op->unlink.path, 0));
	case IO_MKDIR:
		return answer(mkdirat(op->fd, op->mkdir.path, op->mkdir.mode));
	default:
		return -ENOSYS;
	}
}

static uint64_t boot(struct env *e)
{
	(void)e;
	return 1;
}

static const struct env_ops env_ops = {.now_ns = now_ns,
				       .wall_ns = wall_ns,
				       .boot = boot,
				       .random = next_random,
				       .wake_at = wake_at,
				       .say = say};
static const struct io_ops io_ops = {.submit = submit, .cancel = cancel};

void faulty_env_init(struct faulty_env *e, uint64_t seed)
{
	memset(e, 0, sizeof *e);
	e->env = (struct env){.ops = &env_ops, .io = &e->io};
	e->io.ops = &io_ops;
	e->random = seed;
	e->now_ns = 1000000000;
	e->wall_ns = 1795256100000000000; /* 2026-11-21T10:15:00Z */
}

uint64_t faulty_env_random(struct faulty_env *e, uint64_t below)
{
	return next_random(&e->env) % below;
}

/* Whose operation a backend is carrying out, and what it calls in the end. */
static struct faulty_env *carrying;
static void (*carried_done)(struct io_op *op);

static void on_carried(struct io_op *op)
{
	op->done = carried_done;
	if (carrying->seen)
		carrying->seen(carrying, op);
	op->done(op);
	carrying = NULL;
}

static void carry_by_backend(struct faulty_env *e, struct io_op *op)
{
	carrying = e;
	carried_done = op->done;
	op->done = on_carried;
	op->busy = false;
	io_submit(&e->backend->io, op);
	while (carrying)
		if (backend_poll(e->backend) == 0)
			backend_wait(e->backend, backend_now_ns() + 1000000);
}

bool faulty_env_turn(struct faulty_env *e)
{
	if (e->pending_count == 0)
		return false;
	size_t i = e->reorders ? (size_t)faulty_env_random(e, e->pending_count) : 0;
	struct faulty_pending p = e->pending[i];
	e->pending_count--;
	memmove(&e->pending[i], &e->pending[i + 1], (e->pending_count - i) * sizeof p);
	if (p.op->code == IO_WORK)
		pthread_join(p.thread, NULL);
	bool answered = p.op->code == IO_WORK || (e->look && e->look(e, p.op, &p.op->result));
	if (!answered && e->backend) {
		carry_by_backend(e, p.op);
		return true;
	}
	if (!answered)
		p.op->result = carry_out(e, p.op);
	if (e->seen)
		e->seen(e, p.op);
	p.op->busy = false;
	p.op->done(p.op);
	return true;
}

void faulty_env_pass(struct faulty_env *e, uint64_t ns)
{
	e->now_ns += ns;
	e->wall_ns += (int64_t)ns;
}

bool faulty_env_go_on(struct faulty_env *e)
{
	uint64_t wake = e->wake_ns;
	e->wake_ns = 0;
	if (faulty_env_turn(e))
		return true;
	if (wake == 0)
		return false;
	if (wake > e->now_ns)
		faulty_env_pass(e, wake - e->now_ns);
	return true;
}

size_t faulty_env_said(const struct faulty_env *e, const char *event)
{
	size_t n = 0;
	for (size_t i = 0; i < e->event_count; i++)
		n += strcmp(e->events[i], event) == 0;
	return n;
}
