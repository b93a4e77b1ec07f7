/* lock_wait.h - the patience with which a file's lock is asked for: a process that was killed takes a while to let go.
 *
 *	result of IO_LOCK -EBUSY: lock_wait_begin() false: somebody else has it for good
 *	                          true: ask again when lock_wait_pending() is false
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/env.h"

#include <errno.h>

#define LOCK_WAIT_NS 2000000000u
#define LOCK_AGAIN_NS 20000000u

/* All zero: not asked for yet. */
struct lock_wait {
	uint64_t until_ns, again_at_ns;
};

/* shown: the file's path, for who is told that it is waited for. */
static inline bool lock_wait_begin(struct lock_wait *w, struct env *env, const char *shown)
{
	uint64_t now = env_now_ns(env);
	if (w->until_ns == 0) {
		w->until_ns = now + LOCK_WAIT_NS;
		env_say(env, SAY_INFO, "output in use, waiting for it", "path=%s seconds=%u", shown,
			LOCK_WAIT_NS / 1000000000u);
	}
	w->again_at_ns = now < w->until_ns ? now + LOCK_AGAIN_NS : 0;
	return now < w->until_ns;
}

/* True while it waits to ask again. */
static inline bool lock_wait_is_on(const struct lock_wait *w)
{
	return w->again_at_ns > 0;
}

/* True as long as it is too early; arranges to be stepped when it no longer is. */
static inline bool lock_wait_pending(struct lock_wait *w, struct env *env)
{
	if (env_now_ns(env) < w->again_at_ns) {
		env_wake_at(env, w->again_at_ns);
		return true;
	}
	w->again_at_ns = 0;
	return false;
}

/* True for what IO_LOCK answers where the file system has no locks at all. */
static inline bool lock_is_unknown(int64_t result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENOLCK || result == -EINVAL;
}
