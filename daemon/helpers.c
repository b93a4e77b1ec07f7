#include "daemon/helpers.h"
#include "daemon/listing.h"
#include "daemon/processes.h"
#include "daemon/sockets.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int64_t helpers_carry_out(struct io_op *op)
{
	switch (op->code) {
	case IO_WORK:
		return op->work.run(op->work.argument);
	case IO_RESOLVE:
		return sockets_resolve(op);
	case IO_SPAWN:
		return processes_spawn(op);
	default:
		assert(op->code == IO_LIST);
		return listing_read(op->fd, op->list.path, op->list.into);
	}
}

static struct io_op *next_op(struct helpers *h)
{
	pthread_mutex_lock(&h->lock);
	while (!h->first && !h->ending)
		pthread_cond_wait(&h->some, &h->lock);
	struct io_op *op = h->first;
	if (op) {
		h->first = op->next;
		if (!h->first)
			h->last = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	return op;
}

static void *helper_main(void *argument)
{
	struct helpers *h = argument;
	struct io_op *op;
	while ((op = next_op(h)) != NULL) {
		/* The backend outlives the push: its owner closes it only after all that is busy has come back. */
		struct backend *b = (struct backend *)(void *)op->io;
		op->result = helpers_carry_out(op);
		stack_push(&b->helped, &op->node);
	}
	return NULL;
}

int helpers_init(struct helpers *h, size_t threads)
{
	memset(h, 0, sizeof *h);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->some, NULL);
	int r = -ENOMEM;
	h->threads = calloc(threads, sizeof *h->threads);
	if (!h->threads)
		goto fail;
	for (; h->count < threads; h->count++) {
		r = -pthread_create(&h->threads[h->count], NULL, helper_main, h);
		if (r < 0)
			goto fail;
		pthread_setname_np(h->threads[h->count], "helper");
	}
	return 0;
fail:
	helpers_release(h);
	return r;
}

void helpers_release(struct helpers *h)
{
	pthread_mutex_lock(&h->lock);
	assert(!h->first);
	h->ending = true;
	pthread_cond_broadcast(&h->some);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < h->count; i++)
		pthread_join(h->threads[i], NULL);
	free(h->threads);
	pthread_cond_destroy(&h->some);
	pthread_mutex_destroy(&h->lock);
	memset(h, 0, sizeof *h);
}

void helpers_submit(struct helpers *h, struct io_op *op)
{
	op->next = NULL;
	pthread_mutex_lock(&h->lock);
	if (h->last)
		h->last->next = op;
	else
		h->first = op;
	h->last = op;
	pthread_cond_signal(&h->some);
	pthread_mutex_unlock(&h->lock);
}
