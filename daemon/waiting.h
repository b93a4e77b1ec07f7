/* waiting.h - operations that wait for their descriptors to become ready, any number of them: an epoll(7) set.
 *
 *   by descriptor:  [ . . first -> op -> op . . ]      ops of one descriptor: a read, a write, a poll
 *
 * A descriptor is asked for once (EPOLLONESHOT) and again when an op needs it, so that one that nobody waits on costs
 * nothing however ready it is.
 *
 * Threads: one. Memory: 16 bytes for each descriptor up to the highest; ops are the callers'. Layer: daemon. */
#pragma once

#include "stages/io.h"

struct waiting_place; /* what waits on one descriptor */

struct waiting {
	int set; /* an epoll descriptor: readable when there is something for waiting_take() */
	struct waiting_place *places;
	size_t room;
	size_t count; /* ops that wait */
};

/* 0 or -errno. */
int waiting_init(struct waiting *w);
void waiting_release(struct waiting *w);

/* Readiness of fd itself ends waits, for as long as it lasts. 0 or -errno. */
int waiting_watch(struct waiting *w, int fd);

/* In op->marks of those that wait, which are the backend's. */
enum { WAITING = 1 << 16 };

/* 0; -EPERM: a file, which is always ready: the op does not wait; or -errno. */
int waiting_add(struct waiting *w, struct io_op *op, short events);
void waiting_remove(struct waiting *w, struct io_op *op);
/* fd is about to be closed. */
void waiting_forget(struct waiting *w, int fd);

/* Tries each op whose descriptor is ready: those for which `ready` (what poll(2) would say) answers true are removed and
 * wait no more. POLLNVAL: it is no descriptor any more, and has to answer true. Returns whether a watched descriptor is ready. Never waits. */
bool waiting_take(struct waiting *w, bool (*try)(void *owner, struct io_op *op, short ready),
		  void *owner);
