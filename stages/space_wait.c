#include "stages/space_wait.h"

#include "conf/excerpt.h"

#include <errno.h>
#include <string.h>

#define DELAY_MIN_NS 100000000u
#define DELAY_MAX_NS 1000000000u

void space_wait_init(struct space_wait *w, struct env *env, struct stage_counters *counters)
{
	*w = (struct space_wait){.env = env, .counters = counters};
}

const char *space_wait_shown(const struct space_wait *w, const char *path)
{
	return w->secret ? SECRET_SHOWN : path;
}

bool space_wait_applies(int64_t result)
{
	return result == -ENOSPC || result == -EDQUOT;
}

bool space_wait_is_for_files(int64_t result)
{
	return result == -EMFILE || result == -ENFILE;
}

void space_wait_failed(struct space_wait *w, const char *path, int64_t result)
{
	uint64_t now = env_now_ns(w->env);
	counter_add(&w->counters->retries, 1);
	if (space_wait_is_fine(w)) {
		w->delay_ns = DELAY_MIN_NS;
		w->has_no_files = space_wait_is_for_files(result);
		env_say(w->env, SAY_WARN,
			w->has_no_files ? "too many open files, waiting" : "output full, waiting",
			"path=%s error=%s", space_wait_shown(w, path), strerror((int)-result));
	} else if (now < w->retry_at_ns) {
		return; /* was under way already when the first one failed */
	} else if (w->delay_ns < DELAY_MAX_NS) {
		w->delay_ns = w->delay_ns * 2 < DELAY_MAX_NS ? w->delay_ns * 2 : DELAY_MAX_NS;
	}
	w->retry_at_ns = now + w->delay_ns;
}

void space_wait_succeeded(struct space_wait *w, const char *path)
{
	if (space_wait_is_fine(w))
		return;
	w->delay_ns = 0;
	env_say(w->env, SAY_INFO,
		w->has_no_files ? "there are descriptors again" : "output has room again",
		"path=%s", space_wait_shown(w, path));
}

bool space_wait_pending(struct space_wait *w)
{
	if (space_wait_is_fine(w) || env_now_ns(w->env) >= w->retry_at_ns)
		return false;
	env_wake_at(w->env, w->retry_at_ns);
	return true;
}
