/* helpers.h - a few threads for what would hold up a worker longest: compression, directory
 * listings, names of hosts, programs that are begun.
 *
 * Threads: submit from any; the work runs on a helper; the result goes back to the backend the op came through.
 * Memory: ops are the callers', linked into the list while they wait. Layer: daemon. */
#pragma once

#include "daemon/backend.h"

#include <pthread.h>

struct helpers {
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct io_op *first, *last; /* waiting, FIFO */
	bool ending;
	pthread_t *threads;
	size_t count;
};

/* 0 or -errno. */
int helpers_init(struct helpers *h, size_t threads);
/* All work must be done. */
void helpers_release(struct helpers *h);
void helpers_submit(struct helpers *h, struct io_op *op);
/* What a helper does, for whoever has none: IO_WORK, IO_LIST, IO_RESOLVE, IO_SPAWN. Blocks. Result: the operation's. */
int64_t helpers_carry_out(struct io_op *op);
