/* space_wait.h - a full disk is backpressure, and so may be a process that has no descriptor left: wait, try again, say so once, lose
 * nothing.
 *
 *   fine --failed()--> waiting for the moment --pending() false--> trying --succeeded()--> fine
 *                        ^      100 ms, doubling to 1 s              |
 *                        +--------------- failed() ------------------+
 *
 * One serves all operations on one output: while it is not fine, try one at a time.
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/stage.h"

struct space_wait {
	struct env *env;
	struct stage_counters *counters;
	uint64_t delay_ns; /* 0: fine */
	uint64_t retry_at_ns;
	bool secret;       /* the output's path is not to be shown */
	bool has_no_files; /* what is waited for is a descriptor */
};

void space_wait_init(struct space_wait *w, struct env *env, struct stage_counters *counters);

/* The path of a file of that output, for messages. */
const char *space_wait_shown(const struct space_wait *w, const char *path);

/* True for the errors that end by themselves when somebody makes room: -ENOSPC, -EDQUOT. */
bool space_wait_applies(int64_t result);

/* Likewise, when somebody closes some: -EMFILE, -ENFILE. */
bool space_wait_is_for_files(int64_t result);

/* An operation on path failed for want of space, or of a descriptor. */
void space_wait_failed(struct space_wait *w, const char *path, int64_t result);

/* An operation that takes space succeeded. */
void space_wait_succeeded(struct space_wait *w, const char *path);

static inline bool space_wait_is_fine(const struct space_wait *w)
{
	return w->delay_ns == 0;
}

/* True as long as it is too early to try again; arranges to be stepped when it no longer is. */
bool space_wait_pending(struct space_wait *w);
