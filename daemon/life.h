/* life.h - one pipeline from its start until it has been joined, with somebody who listens meanwhile: to signals, to
 * workers that end, and to the clock.
 *
 *   RUNNING --SIGTERM, SIGINT, a worker or the epoch log failed--> STOPPING (sources end, queues drain) --all ended--> joined
 *       \---SIGHUP, and there is a next topology----^   | a second signal (not within PATIENCE_NS), shutdown_timeout
 *                                                       v
 *                                                    exit 1 at once
 *
 * A failure that begins anew (daemon/supervision.h) ends this life in the same way; what comes next is the caller's to begin.
 *
 * For a reload shutdown_timeout is only told of: who asked for a reload did not ask for an end.
 *
 * Threads: main. Blocks: for as long as the pipeline runs. Layer: daemon. */
#pragma once

#include "daemon/notify.h"
#include "daemon/pipeline.h"
#include "daemon/watchdog.h"

struct life {
	/* The caller's, set before life_run(). */
	struct pipeline *pipeline; /* made, not started */
	const struct topology *topology;
	const struct notify *notify;
	int signals; /* signals_open() */
	bool once;
	bool (*reload)(void *context); /* SIGHUP: is there another topology to end this one for? */
	/* A worker has failed: may all begin anew? NULL: never. */
	bool (*restart)(void *context, const struct worker *failed);
	void *context;

	bool
	    reload_again; /* a SIGHUP is still to be seen to; afterwards: came too late for this one */
	bool unproven;    /* afterwards: it failed before anything of it was committed */

	/* within */
	struct watchdog watchdog;
	bool stopping;
	bool signalled; /* asked to stop; a stage that failed may have begun the stop before */
	bool reloading; /* stopping for what comes next */
	bool
	    restarting; /* likewise, after a failure; afterwards: what has ended is to begin anew */
	bool said_ready, said_stuck, said_slow, said_failed;
	uint64_t first_epoch;
	uint64_t started_ns, signalled_ns, stop_deadline_ns, status_due_ns;
};

/* The exit code. With l->reloading that of what has ended for the next one. */
int life_run(struct life *l);
