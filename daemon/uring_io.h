/* uring_io.h - the io_uring backend: one ring for each runner, SINGLE_ISSUER | DEFER_TASKRUN where the kernel has them,
 * the flags dropped one at a time where it has not.
 *
 * Buffers are not registered: that would pin the whole memory budget, which otherwise is touched only as it is used.
 *
 * Threads: as backend.h; the ring belongs to the thread that opened it. Layer: daemon. */
#pragma once

#include "daemon/backend.h"

/* 0 if a ring can be made here, or -errno. */
int uring_io_probe(void);

int uring_io_open(struct backend **ret_backend, struct helpers *helpers);
