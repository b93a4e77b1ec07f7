/* processes.h - commands that are run beside us (stages/io.h): begun, awaited, signalled.
 *
 * A process leads a group of its own, has the three descriptors it is given and no other, every signal as a process finds
 * it by default, and gets SIGTERM when the thread that began it ends: a helper, which ends after all stages are closed.
 *
 * Threads: any; processes_spawn() waits until the program is there or is not, so it is a helper's. Memory: the op's.
 * Layer: daemon. */
#pragma once

#include "stages/io.h"

/* Result: a process descriptor, or why there is no such process: -ENOENT (the program or its directory), -EACCES... */
int64_t processes_spawn(struct io_op *op);
/* -EAGAIN: it has not ended. When it has, op->await.left goes to what is left of its group, and it is reaped. */
int64_t processes_await(const struct io_op *op);
int64_t processes_signal(const struct io_op *op);

/* SIGKILL for all that were begun and not awaited yet, and their groups: for who leaves without waiting for anybody. */
void processes_kill_all(void);
