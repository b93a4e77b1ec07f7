/* uring_io.h - the io_uring backend: one ring for each runner, SINGLE_ISSUER | DEFER_TASKRUN where the kernel has them,
 * the flags dropped one at a time where it has not.
 *
 * Buffers and files are not registered: measured on page-cache reads and writes of 256 KiB it gains nothing, and
 * registered buffers would pin the whole memory budget.
 *
 * Threads: as backend.h; the ring belongs to the thread that opened it. Layer: daemon. */
#pragma once

#include "daemon/backend.h"

/* 0 if a ring can be made here, or -errno. */
int uring_io_probe(void);

int uring_io_open(struct backend **ret_backend, struct helpers *helpers);
