/* performer.h - who carries an operation out to its end, for what reads one thing after the other wherever it runs: on the spot,
 * or through a backend while other things go on.
 *
 * Threads: the caller's. Memory: none. Layer: daemon. */
#pragma once

#include "stages/io.h"

struct performer {
	/* What the operation results in (stages/io.h). who: below. */
	int64_t (*perform)(void *who, struct io_op op);
	/* Nobody waits for what that comes to. */
	void (*close)(void *who, int fd);
	void *who;
};

static inline int64_t performer_do(const struct performer *p, struct io_op op)
{
	return p->perform(p->who, op);
}

static inline void performer_close(const struct performer *p, int fd)
{
	p->close(p->who, fd);
}

/* By system calls, which may block: IO_OPEN without `resolve`, IO_READ of a file, IO_STAT and IO_LIST. */
extern const struct performer performer_on_the_spot;
