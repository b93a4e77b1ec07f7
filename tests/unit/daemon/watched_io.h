/* watched_io.h - the plain backend, with somebody looking on who may answer an operation himself.
 * Threads: the test's. Memory: the caller's. */
#pragma once

#include "daemon/backend.h"
#include "daemon/helpers.h"

enum { WATCHED_ANSWERED_MAX = 8 };

struct watched_io {
	struct io io;
	struct backend *backend;
	struct helpers helpers;
	struct io_op *answered[WATCHED_ANSWERED_MAX];
	size_t answered_count;
	size_t submitted; /* so far */

	/* Called with each operation before it is carried out. Returns true to answer it with *result instead. May cut a
	 * write short. NULL: none. */
	bool (*look)(struct watched_io *w, struct io_op *op, int64_t *result);
	void *owner;
};

void watched_io_init(struct watched_io *w);
void watched_io_release(struct watched_io *w);

/* Completes what can be; false if nothing is under way. */
bool watched_io_turn(struct watched_io *w);
