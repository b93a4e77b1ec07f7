/* leftovers.h - what a topology's own sinks would not bring back: outputs of sinks that are no more, or have another name
 * by now or another path, or that a topology began which was then taken back; and, with `epoch: off`, all of them.
 *
 *   a mark in the epoch log, entries in an undo journal, and no such sink
 *     --> all outputs brought back (stages/output_recovery.h) --> a record that says so: the marks of sinks that are no
 *         more are forgotten, the others closed
 *
 * All of them, as the record takes away what entries of the epochs after it mean: those of sinks that are still there must
 * have been undone before. What was brought back is others' from then on, and never cut again. Broken off anywhere, it is
 * done again from its beginning and comes to the same. Without such leftovers nothing is read but names, and nothing done.
 *
 * Whether the path of a sink that is no more was a secret nobody knows, so it is told by that sink's name alone.
 *
 * Threads: the main thread's, while no pipeline runs; blocks. Memory: until it returns. Layer: daemon. */
#pragma once

#include "daemon/notify.h"
#include "daemon/recovery.h"

/* Before a pipeline is made for t. While it waits for room or a lock, the service manager is told so. 0, or the exit code,
 * having said why. */
int leftovers_recover(struct recovery *r, const struct topology *t, const struct notify *notify);

/* Instead of recovery_open(), where t says `epoch: off`: brings back what runs with epochs left, if any ever remembered
 * something and none is at it. from_scratch: sets that aside. 0, or the exit code, having said why. */
int leftovers_recover_without_epochs(const struct topology *t, bool from_scratch,
				     const struct notify *notify);
