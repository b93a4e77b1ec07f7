/* uring_io.h - the io_uring backend: one ring for each runner, SINGLE_ISSUER | DEFER_TASKRUN where the kernel has them,
 * the flags dropped one at a time where it has not.
 *
 * Buffers are not registered: that would pin the whole memory budget, which otherwise is touched only as it is used.
 *
 * Threads: as backend.h; the ring belongs to the thread that opened it. Layer: daemon. */
#pragma once

#include "daemon/backend.h"

struct io_uring;

/* 0 if a ring can be made here, or -errno. */
int uring_io_probe(void);

/* Tries setup (io_uring_queue_init(3), save in tests) with ever fewer flags while it answers -EINVAL. The caller owns the
 * ring. 0 or -errno; -EOPNOTSUPP: one can be made, but lacks what we need (before Linux 5.11). */
int uring_io_make_ring(struct io_uring *ring,
		       int (*setup)(unsigned entries, struct io_uring *ring, unsigned flags));

int uring_io_open(struct backend **ret_backend, struct helpers *helpers);
