/* leftovers.h - what a topology's own sinks would not bring back: outputs of sinks that are no more, or have another name
 * by now or another path, or that a topology began which was then taken back; and, with `epoch: off`, all of them.
 *
 *   a mark in the epoch log, entries in an undo journal, and no such sink
 *     --> all outputs brought back (stages/output_recovery.h) --> a record that says so: the marks of sinks that are no
 *         more are forgotten, the others closed
 *
 * All of them, as the record takes away what entries of the epochs after it mean: those of sinks that are still there must
 * have been undone before. What was brought back is others' from then on, and never cut again. Broken off anywhere, it is
 * done again from its beginning and comes to the same. Without such leftovers
 * nothing is read but names and journals, and nothing done.
 *
 * Whether the path of a sink that is no more was a secret is remembered with it; where it was, that sink's name alone is told.
 *
 * Threads: the caller's; its host waits. Memory: until it returns. Layer: daemon. */
#pragma once

#include "conf/topology.h"
#include "daemon/backend.h"
#include "daemon/epoch_log.h"
#include "stages/env.h"

/* Who calls, and waits. */
struct leftovers_host {
	struct env *env; /* its io is the backend's */
	struct backend *backend;
	/* What env is told from now on is about that sink; NULL: about none. */
	void (*about)(struct leftovers_host *h, const char *sink);
	/* After each step. idle: nothing can be done before an operation completes, or the moment has come that env was asked
	 * for: waits, or a while. 0, or -EINTR: it is to end; then what is under way completes in some more of these. */
	int (*pass)(struct leftovers_host *h, bool idle);
};

/* Before a pipeline is made for t. The log is open and ready, directory the state directory's descriptor, state_dir its
 * path. all: of sinks that are still there, too, as if nothing of the topology would bring them back. 0 or -errno, having
 * said why, save -EINTR and what the state directory or its log fails with. */
int leftovers_bring_back(struct leftovers_host *host, const struct topology *t,
			 struct epoch_log *log, int directory, const char *state_dir, bool all);
