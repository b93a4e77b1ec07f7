/* supervision.h - what follows when a worker fails: whether it, or all of them, may begin anew, and when.
 *
 *	            one_for_all                             isolate
 *	a worker fails: all end, nothing more is            a source that says it can, or a sink that gives back what it holds:
 *	committed, the life is joined; the next life        it alone is closed and, after the delay, opened again; its edges
 *	begins, after the delay, at the last epoch          and all the others stay. Any other worker: as one_for_all
 *
 *	restarts   |  x   x        x  |  x ...      max_restarts of them within any `within`, of whatever kind; one failure more
 *	           +--- within -------+             ends the run, with an exit code that is not 0
 *
 * The delay is drawn evenly from 0 to a ceiling that doubles with each restart within the window, from 100 ms to 30 s
 * (stages/policy/retry.h).
 *
 * What a new life begins with is what a start begins with: so exactly once holds, and what is lost or doubled is what a kill at that
 * moment would lose or double. A stage that fails at the same record each time ends the run when its restarts are used up.
 *
 * Never restarted: where the epoch log failed (its disk is not to be trusted), and where somebody has asked to stop.
 *
 * Threads: any. Memory: none. Layer: daemon. */
#pragma once

#include "conf/topology.h"
#include "daemon/notify.h"

#include <pthread.h>

struct supervision {
	pthread_mutex_t lock;
	enum strategy strategy;
	uint64_t max_restarts, within_ns;
	uint64_t times_ns
	    [RESTARTS_MAX]; /* of those within the window, oldest first from `first` on, a ring */
	size_t first, count;
};

struct supervision_restart {
	uint64_t number; /* of those within the window, this one included */
	uint64_t delay_ns;
};

void supervision_init(struct supervision *s);
void supervision_release(struct supervision *s);
/* From here on for that topology, with the restarts that there were. No worker runs. */
void supervision_follow(struct supervision *s, const struct topology *t);

/* Something has failed now: may it begin anew? If so it is counted. */
bool supervision_allows(struct supervision *s, uint64_t now_ns, uint64_t random,
			struct supervision_restart *ret_restart);

enum supervision_wake {
	SUPERVISION_GO,     /* it is time */
	SUPERVISION_ENDED,  /* asked to stop */
	SUPERVISION_HUNG_UP /* asked to reload: it is time, too */
};

/* Waits for the delay, with an ear for signals (signals_open()) and the service manager. The main thread's. */
enum supervision_wake supervision_wait(int signals, const struct notify *notify, uint64_t delay_ns);

/* That the topology makes sense: 0, or -EINVAL with a problem added. */
int supervision_check(const struct topology *t, struct problems *problems);
