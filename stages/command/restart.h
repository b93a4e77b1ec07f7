/* restart.h - whether and when a command that has ended is begun again.
 *
 *   ended --never, or with 0 and on_failure--> nothing follows
 *     |
 *     +--> after `base_delay` when it ended with 0; after a failure as stages/policy/retry.h says, where one that had run for
 *          `max_delay` at least is the first
 *
 * Threads: the owner's. Memory: the caller's. Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/command/command.h"
#include "stages/policy/retry.h"

enum restart_when { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };

struct restart_options {
	uint64_t when; /* enum restart_when */
	struct retry_options retry;
};

/* Of a group `restart`. */
extern const struct option restart_table[];

void restart_options_check(const struct restart_options *o, struct place at,
			   struct problems *problems);

struct restart {
	const struct restart_options *options;
	uint64_t failures; /* one after the other */
	uint64_t at_ns;    /* monotonic: when it is begun again */
};

void restart_init(struct restart *r, const struct restart_options *o);

/* The command is over, and its stage has use for it yet, or none. True: it is to be begun again, at r->at_ns; says what has changed:
 * that it fails, that it runs again. */
bool restart_after(struct restart *r, const struct command *c, struct stage *s, bool is_needed);

/* True until it is time; arranges to be stepped then. */
bool restart_pending(const struct restart *r, struct env *env);
