/* clearing.h - sees to what earlier topologies left (daemon/leftovers.h) with the machine's own files and clocks, before the
 * pipeline of the next one is made.
 *
 * While it waits, for room or for a lock, the service manager is told so, and SIGTERM and SIGINT end it: the next start does
 * it again.
 *
 * Threads: the main thread's, while no pipeline runs; blocks. Memory: until it returns. Layer: daemon. */
#pragma once

#include "daemon/notify.h"
#include "daemon/recovery.h"

/* 0, or the exit code, having said why. */
int clearing_run(struct recovery *r, const struct topology *t, const struct notify *notify);

/* Instead of recovery_open(), where t says `epoch: off`: brings back what runs with epochs left, if any ever remembered
 * something and none is at it. from_scratch: sets that aside. 0, or the exit code, having said why. */
int clearing_run_without_epochs(const struct topology *t, bool from_scratch,
				const struct notify *notify);
