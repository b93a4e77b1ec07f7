#include "stages/write_queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define WRITE_BACK_MAX UINT64_C(0x40000000) /* as much as an operation can say */
enum { IN_FLIGHT_MAX = 2 };                 /* the kernel copies one while we prepare the next */
#define AGAIN_NS 1000000u
#define LOOK_MIN_NS 250000u
#define LOOK_MAX_NS 16000000u

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
	q->end = q->back_at = end;
	q->path = path;
	q->written = q->read = 0;
	for (struct write *w = q->first; w; w = w->next) {
		w->from = w->at = q->end;
		q->end += w->length;
	}
}

void write_queue_bind_fifo(struct write_queue *q, int fd, const char *path)
{
	write_queue_bind(q, fd, true, 0, path);
	q->fifo = true;
	q->look_at_ns = 0;
	q->look_delay_ns = LOOK_MIN_NS;
}

bool write_queue_is_busy(const struct write_queue *q)
{
	return q->in_flight > 0 || q->look.busy || q->bringing.busy;
}

void write_queue_unbind(struct write_queue *q)
{
	assert(!write_queue_is_busy(q));
	q->fd = -1;
	q->fifo = false; /* what is done has been read, or will be given to nobody else */
	q->recall = RECALL_NOT;
	q->error = 0;
	q->again_at_ns = 0;
}

void write_queue_put(struct write_queue *q, struct write *w)
{
	w->from = w->at = q->end;
	w->cut = 0;
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

/* Moves the line between what is written and what is not within the first span. */
static void cut(struct write *w, size_t bytes)
{
	w->spans->iov_base = (uint8_t *)w->spans->iov_base + bytes;
	w->spans->iov_len -= bytes;
	w->cut += bytes;
}

static void uncut(struct write *w, size_t bytes)
{
	assert(bytes <= w->cut);
	w->spans->iov_base = (uint8_t *)w->spans->iov_base - bytes;
	w->spans->iov_len += bytes;
	w->cut -= bytes;
}

/* `bytes` more are written. */
static void advance(struct write *w, size_t bytes)
{
	assert(bytes <= w->length);
	w->length -= bytes;
	w->at += bytes;
	while (w->count > 0 && bytes >= w->spans->iov_len) {
		bytes -= w->spans->iov_len;
		uncut(w, w->cut);
		w->spans++;
		w->count--;
	}
	if (bytes > 0)
		cut(w, bytes);
}

/* The span before, all of it written, becomes the first one. */
static void enter_previous(struct write *w)
{
	w->spans--;
	w->count++;
	w->cut = 0;
	cut(w, w->spans->iov_len);
}

/* `bytes` of what is written no longer are. */
static void retreat(struct write *w, size_t bytes)
{
	assert(bytes <= w->at - w->from);
	w->length += bytes;
	w->at -= bytes;
	while (bytes > 0) {
		if (w->cut == 0)
			enter_previous(w);
		size_t n = bytes < w->cut ? bytes : w->cut;
		uncut(w, n);
		bytes -= n;
	}
}

/* Just behind the last delimiter in there; 0: there is none. */
static size_t end_of_last(const uint8_t *bytes, size_t length, const struct delimiter *d)
{
	for (size_t end = length; end >= d->length; end--)
		if (memcmp(bytes + end - d->length, d->bytes, d->length) == 0)
			return end;
	return 0;
}

/* To where a record begins; delimiters do not go over spans. */
static void retreat_to_record(struct write *w, const struct delimiter *d)
{
	while (w->at > w->from) {
		if (w->cut == 0)
			enter_previous(w);
		size_t end = end_of_last((uint8_t *)w->spans->iov_base - w->cut, w->cut, d);
		retreat(w, w->cut - end);
		if (end > 0)
			return;
	}
}

static void recall(struct write_queue *q, const struct delimiter *delimiter)
{
	for (struct write *w = q->first; w; w = w->next) {
		if (w->at + w->length <= q->read)
			continue; /* all read */
		if (w->at > q->read)
			retreat(w, (size_t)(w->at - (w->from > q->read ? w->from : q->read)));
		if (delimiter)
			retreat_to_record(w, delimiter);
		else
			retreat(w, (size_t)(w->at - w->from));
	}
}

/* Reading goes on by itself; when it does not, less often will do. */
static void look_again_later(struct write_queue *q, bool moves)
{
	q->look_delay_ns = moves ? LOOK_MIN_NS : 2 * q->look_delay_ns;
	if (q->look_delay_ns > LOOK_MAX_NS)
		q->look_delay_ns = LOOK_MAX_NS;
	q->look_at_ns = env_now_ns(q->env) + q->look_delay_ns;
}

static void on_looked(struct io_op *op)
{
	struct write_queue *q = op->owner;
	if (op->result == -EINTR) {
		if (q->recall == RECALL_LOOKING)
			q->recall = RECALL_NOT;
		return;
	}
	uint64_t unread = op->result > 0 ? (uint64_t)op->result : 0;
	uint64_t read = unread < q->written ? q->written - unread : 0;
	look_again_later(q, read > q->read);
	if (read > q->read)
		q->read = read;
	if (q->recall == RECALL_LOOKING)
		q->recall = RECALL_KNOWN;
	else if (op->unread.alone && unread > 0 && q->in_flight == 0 && q->error == 0)
		q->error = -EPIPE;
	else if (!op->unread.alone && q->hurried && q->last && q->last->length == 0)
		q->read = q->written; /* it will be */
}

static void look(struct write_queue *q)
{
	q->look = (struct io_op){
	    .code = IO_UNREAD,
	    .fd = q->fd,
	    .unread = {.take = q->recall == RECALL_LOOKING},
	    .done = on_looked,
	    .owner = q,
	};
	io_submit(q->env->io, &q->look);
}

bool write_queue_recall(struct write_queue *q, const struct delimiter *delimiter)
{
	assert(!write_queue_is_busy(q));
	if (q->fifo && q->recall == RECALL_NOT) {
		q->recall = RECALL_LOOKING;
		look(q);
		return false;
	}
	if (q->fifo)
		recall(q, delimiter);
	return true;
}

/* Sees to it that we learn what has been read. */
static void watch_reader(struct write_queue *q)
{
	if (!q->fifo || q->look.busy || !q->first || q->first->length > 0 ||
	    q->first->at <= q->read)
		return;
	bool at_once = q->hurried && q->last->length == 0;
	if (!at_once && env_now_ns(q->env) < q->look_at_ns)
		env_wake_at(q->env, q->look_at_ns);
	else
		look(q);
}

static void on_written(struct io_op *op)
{
	struct write *w = op->owner;
	struct write_queue *q = w->queue;
	q->in_flight--;
	if (op->result > 0) {
		advance(w, (size_t)op->result);
		q->written += (uint64_t)op->result;
		q->look_at_ns = 0;
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

static void on_brought(struct io_op *op)
{
	(void)op;
}

static void write_back(struct write_queue *q)
{
	uint64_t written = q->first ? q->first->at : q->end;
	if (q->back_bytes == 0 || q->stream || q->fd < 0 || q->bringing.busy ||
	    written - q->back_at < q->back_bytes)
		return;
	uint64_t length = written - q->back_at;
	if (length > WRITE_BACK_MAX)
		length = WRITE_BACK_MAX;
	q->bringing = (struct io_op){
	    .code = IO_WRITE_BACK,
	    .fd = q->fd,
	    .write_back = {.at = q->back_at, .length = length},
	    .done = on_brought,
	};
	q->back_at += length;
	io_submit(q->env->io, &q->bringing);
}

int write_queue_step(struct write_queue *q)
{
	if (q->error)
		return q->error;
	watch_reader(q);
	write_back(q);
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
	if (!w || w->length > 0 || (q->fifo && w->at > q->read))
		return NULL;
	assert(!w->op.busy);
	q->first = w->next;
	if (!q->first)
		q->last = NULL;
	return w;
}
