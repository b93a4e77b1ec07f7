/* backend.h - what a runner needs of an I/O backend, besides what stages see of it (stages/io.h).
 *
 *   runner:   poll ... poll ... wait <-- wake (any thread)
 *                |                |
 *                +-> done(op) <---+
 *
 * Threads: all calls are the owning runner's, save backend_wake(). Layer: daemon. */
#pragma once

#include "stages/io.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

struct backend;
struct helpers;

struct backend_ops {
	/* Starts what was submitted, and calls done for all that has completed. Returns how many were. */
	size_t (*poll)(struct backend *b);
	/* Sleeps until something completes, backend_wake(), or the deadline (monotonic ns; UINT64_MAX: none). */
	void (*wait)(struct backend *b, uint64_t deadline_ns);
	void (*wake)(struct backend *b);
	void (*release)(struct backend *b);
};

struct backend {
	struct io io; /* must stand first: stages hold a pointer to it */
	const struct backend_ops *ops;
	struct helpers
	    *helpers;        /* for what blocks; NULL: that is done on the spot, and no IO_WORK */
	struct stack helped; /* ops that helpers are through with */
	struct io_op *completed; /* done inline, waiting for poll; oldest first */
	struct io_op *completed_last;
	struct io_op *in_flight; /* all that is busy and not in `completed` */
	uint64_t
	    rest_until_ns; /* before that a wait is not ended by what completes; monotonic, 0: it is */
	size_t helping;    /* ops that are with the helpers */
	size_t busy;       /* ops submitted whose done was not called yet */
};

enum backend_kind { BACKEND_AUTO, BACKEND_URING, BACKEND_PLAIN };

/* What to open here: for BACKEND_AUTO that again, or BACKEND_PLAIN where io_uring can't be had, and says why. 0 or
 * -errno (io_uring asked for and refused). */
int backend_choose(enum backend_kind wanted, enum backend_kind *ret_kind);

/* On the thread that will own it. BACKEND_AUTO: io_uring, or plain where this one ring is refused (out of descriptors or
 * memory, a filter), and says so, with the thread's name. 0 or -errno. */
int backend_open(struct backend **ret_backend, enum backend_kind kind, struct helpers *helpers);

/* For waits: sleeps for as long as it is to rest. */
void backend_rest(const struct backend *b, uint64_t deadline_ns);

static inline size_t backend_poll(struct backend *b)
{
	return b->ops->poll(b);
}

static inline void backend_wait(struct backend *b, uint64_t deadline_ns)
{
	b->ops->wait(b, deadline_ns);
}

static inline void backend_wake(struct backend *b)
{
	b->ops->wake(b);
}

/* Steps the machine to its end, waiting where a worker would do something else. Its step returns STEP_MORE, STEP_WAIT while
 * an operation on b is under way, STEP_DONE or -errno. 0 or -errno. */
int backend_carry(struct backend *b, int (*step)(void *machine), void *machine);

/* Asks every operation in flight to end early. */
void backend_cancel_all(struct backend *b);

/* Nothing may be busy. NULL is allowed. */
void backend_close(struct backend *b);

/* For backends. */
/* What a system call returned, as an operation's result. */
static inline int64_t or_errno(int64_t r)
{
	return r < 0 ? -errno : r;
}

uint64_t backend_now_ns(void);                           /* monotonic */
struct timespec backend_time_left(uint64_t deadline_ns); /* 0 when it has passed */

void backend_init(struct backend *b, struct helpers *helpers);
void backend_track(struct backend *b, struct io_op *op); /* op is now in flight */
void backend_untrack(struct backend *b, struct io_op *op);
void backend_complete(struct backend *b, struct io_op *op,
		      int64_t result);     /* done will be called by the next poll */
size_t backend_deliver(struct backend *b); /* calls the dones; returns how many */

/* IO_UNREAD. */
int64_t backend_look_into_pipe(struct io_op *op);

/* The operations that both real backends carry out on the spot, or hand to a helper. True if op was one of them.
 *
 * A write to a file is one: it is a copy into the page cache, which io_uring hands to a kernel thread where the file
 * system can't promise not to wait (ext4, tmpfs); the two hand-overs for each write cost a tenth of a copy's speed. */
bool backend_submit_common(struct backend *b, struct io_op *op);
