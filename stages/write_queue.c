#include "stages/write_queue.h"

#include <assert.h>
#include <errno.h>

enum { IN_FLIGHT_MAX = 2 }; /* the kernel copies one while we prepare the next */
#define AGAIN_NS 1000000u

void write_queue_init(struct write_queue *q, struct env *env, struct space_wait *space)
{
	*q = (struct write_queue){.env = env, .space = space, .fd = -1};
}

void write_queue_bind(struct write_queue *q, int fd, bool stream, uint64_t end, const char *path)
{
	assert(q->fd < 0 && fd >= 0 && q->in_flight == 0);
	q->fd = fd;
	q->stream = stream;
	q->in_flight_max = stream ? 1 : IN_FLIGHT_MAX;
	q->end = end;
	q->path = path;
	for (struct write *w = q->first; w; w = w->next) {
		w->at = q->end;
		q->end += w->length;
	}
}

void write_queue_unbind(struct write_queue *q)
{
	assert(q->in_flight == 0);
	q->fd = -1;
	q->error = 0;
	q->again_at_ns = 0;
}

void write_queue_put(struct write_queue *q, struct write *w)
{
	w->at = q->end;
	w->next = NULL;
	w->queue = q;
	w->op.busy = false;
	q->end += w->length;
	if (q->last)
		q->last->next = w;
	else
		q->first = w;
	q->last = w;
}

/* Drops `bytes` from the front of what is still to be written. */
static void advance(struct write *w, size_t bytes)
{
	assert(bytes <= w->length);
	w->length -= bytes;
	w->at += bytes;
	while (w->count > 0 && bytes >= w->spans->iov_len) {
		bytes -= w->spans->iov_len;
		w->spans++;
		w->count--;
	}
	if (bytes > 0) {
		w->spans->iov_base = (uint8_t *)w->spans->iov_base + bytes;
		w->spans->iov_len -= bytes;
	}
}

static void on_written(struct io_op *op)
{
	struct write *w = op->owner;
	struct write_queue *q = w->queue;
	q->in_flight--;
	if (op->result > 0) {
		advance(w, (size_t)op->result);
		space_wait_succeeded(q->space, q->path);
	} else if (op->result == -EINTR) {
		; /* the next step repeats it */
	} else if (op->result == -EAGAIN) {
		q->again_at_ns = env_now_ns(q->env) + AGAIN_NS;
	} else if (space_wait_applies(op->result)) {
		space_wait_failed(q->space, q->path, op->result);
	} else if (q->error == 0) {
		q->error = op->result < 0 ? (int)op->result : -EIO;
	}
}

static void submit(struct write_queue *q, struct write *w)
{
	w->op = (struct io_op){
	    .code = IO_WRITE,
	    .fd = q->fd,
	    .stream = q->stream,
	    .write = {.spans = w->spans, .count = w->count, .at = q->stream ? 0 : w->at},
	    .done = on_written,
	    .owner = w,
	};
	q->in_flight++;
	io_submit(q->env->io, &w->op);
}

/* True while a stream that was not ready is left alone. */
static bool not_yet(struct write_queue *q)
{
	if (q->again_at_ns == 0)
		return false;
	if (env_now_ns(q->env) < q->again_at_ns) {
		env_wake_at(q->env, q->again_at_ns);
		return true;
	}
	q->again_at_ns = 0;
	return false;
}

int write_queue_step(struct write_queue *q)
{
	if (q->error)
		return q->error;
	if (q->fd < 0 || write_queue_is_empty(q) || not_yet(q) || space_wait_pending(q->space))
		return 0;
	unsigned most = space_wait_is_fine(q->space) ? q->in_flight_max : 1;
	for (struct write *w = q->first; w && q->in_flight < most; w = w->next)
		if (w->length > 0 && !w->op.busy)
			submit(q, w);
	return 0;
}

struct write *write_queue_take(struct write_queue *q)
{
	struct write *w = q->first;
	if (!w || w->length > 0)
		return NULL;
	assert(!w->op.busy);
	q->first = w->next;
	if (!q->first)
		q->last = NULL;
	return w;
}
