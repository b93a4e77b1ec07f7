/* run.c - `sluice run`: one topology after another, each from the records of the one before.
 *
 *   load -> recovery -> leftovers -> life --ended--> exit code
 *                       ^               | SIGHUP, and the topology loads: cut, drained, joined
 *                       +---------------+ a next one that fails before its first epoch: back to the one before
 *                       ^               |
 *                       +---------------+ a worker failed, and may begin anew (daemon/supervision.h): after a delay, from the last epoch
 *
 * Layer: daemon. */
#include "daemon/arguments.h"
#include "daemon/clearing.h"
#include "daemon/commands.h"
#include "daemon/life.h"
#include "daemon/load.h"
#include "daemon/log.h"
#include "daemon/recovery.h"
#include "daemon/signals.h"
#include "daemon/supervision.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

struct run {
	const struct arguments *arguments;
	struct loaded *loaded; /* what runs */
	struct loaded *next;   /* it is being drained for this one */
	struct loaded *before; /* until it is known that `loaded` can run */
	struct recovery recovery;
	struct notify notify;
	int signals;
	enum backend_kind io;
	struct supervision supervision;
	struct supervision_restart restart; /* that follows, if restarting */
	bool restarting;
	char failed[sizeof((struct worker *)0)->name];
	bool hung_up; /* a SIGHUP came during the last reload */
};

static void forget(struct loaded **l)
{
	if (*l)
		loaded_release(*l);
	free(*l);
	*l = NULL;
}

/* NULL: *ret_code is the exit code, and all has been said. */
static struct loaded *load_anew(const struct arguments *a, int *ret_code)
{
	struct loaded *l = calloc(1, sizeof *l);
	if (!l) {
		log_line(LOG_LEVEL_ERROR, NULL, "topology cannot be loaded", "error=%s",
			 strerror(ENOMEM));
		*ret_code = EXIT_FAILED;
		return NULL;
	}
	*ret_code = load(l, a, false);
	if (*ret_code != 0)
		forget(&l);
	return l;
}

static void set_up_log(const struct run *r)
{
	const struct topology *t = &r->loaded->topology;
	const struct arguments *a = r->arguments;
	log_setup(a->has_log_level ? a->log_level : (enum log_level)t->log_level,
		  (enum log_format)t->log_format);
}

/* Reload */

/* NULL: nothing is in the way. */
static const char *why_not(const struct run *r, const struct topology *next)
{
	char directory[PATH_MAX];
	if (!recovery_memory(&r->recovery))
		return "nothing is remembered with `epoch: off`, so records would be lost or "
		       "doubled";
	if (next->epoch.interval_ns == 0)
		return "`epoch` cannot be turned off while it runs";
	if (strcmp(next->name.bytes, r->loaded->topology.name.bytes) != 0)
		return "its `name` is another one";
	if (recovery_state_dir(next, directory) < 0 || strcmp(directory, r->recovery.path) != 0)
		return "its `state_dir` is another one";
	return NULL;
}

static bool prepare_reload(void *context)
{
	struct run *r = context;
	int code;
	struct loaded *next = load_anew(r->arguments, &code);
	const char *why = next ? why_not(r, &next->topology) : "it has the mistakes above";
	if (!why) {
		r->next = next;
		return true;
	}
	forget(&next);
	log_line(LOG_LEVEL_ERROR, NULL, "topology not reloaded, going on with the one there is",
		 "reason=%s", why);
	return false;
}

static void follow_topology(struct run *r)
{
	set_up_log(r);
	recovery_follow(&r->recovery, &r->loaded->topology);
	supervision_follow(&r->supervision, &r->loaded->topology);
}

static void take_next(struct run *r)
{
	r->before = r->loaded;
	r->loaded = r->next;
	r->next = NULL;
	follow_topology(r);
}

static void go_back(struct run *r)
{
	log_line(LOG_LEVEL_ERROR, NULL, "the reloaded topology cannot run, going back", "name=%s",
		 r->before->topology.name.bytes);
	forget(&r->loaded);
	r->loaded = r->before;
	r->before = NULL;
	follow_topology(r);
}

/* Restarts */

static bool allow_restart(void *context, const struct worker *failed)
{
	struct run *r = context;
	uint64_t random = 0;
	ssize_t ignored = getrandom(&random, sizeof random, GRND_NONBLOCK);
	(void)ignored;
	snprintf(r->failed, sizeof r->failed, "%s", failed->name);
	if (supervision_allows(&r->supervision, backend_now_ns(), random, &r->restart))
		return true;
	if (r->supervision.max_restarts > 0)
		log_line(LOG_LEVEL_ERROR, NULL, "failed too often, not restarting",
			 "failed=%s restarts=%ju within_s=%ju", failed->name,
			 (uintmax_t)r->supervision.max_restarts,
			 (uintmax_t)r->supervision.within_ns / 1000000000);
	return false;
}

/* With the topology that a reload was for, if the failure or the delay came into one. False: we are to end instead. */
static bool begin_anew(struct run *r)
{
	log_line(LOG_LEVEL_WARN, NULL, "restarting",
		 "failed=%s restart=%ju max_restarts=%ju in_ms=%ju", r->failed,
		 (uintmax_t)r->restart.number, (uintmax_t)r->supervision.max_restarts,
		 (uintmax_t)r->restart.delay_ns / 1000000);
	enum supervision_wake wake = supervision_wait(r->signals, &r->notify, r->restart.delay_ns);
	if (wake == SUPERVISION_ENDED) {
		log_line(LOG_LEVEL_WARN, NULL, "stopped before the restart", "cure=%s",
			 "the next start goes on from the last epoch");
		return false;
	}
	forget(&r->before);
	if (r->next || (wake == SUPERVISION_HUNG_UP && prepare_reload(r)))
		take_next(r);
	return true;
}

/* Lives */

static int live_with(struct run *r, struct pipeline *p, bool *ret_proven)
{
	struct life l = {.pipeline = p,
			 .topology = &r->loaded->topology,
			 .notify = &r->notify,
			 .signals = r->signals,
			 .once = r->arguments->once,
			 .reload = prepare_reload,
			 .restart = allow_restart,
			 .context = r,
			 .reload_again = r->hung_up};
	int code = life_run(&l);
	*ret_proven = !l.unproven;
	r->hung_up = l.reload_again;
	r->restarting = l.restarting;
	if (!l.reloading)
		forget(&r->next);
	return code;
}

/* What can go on with less, such as a source that follows files, does. */
static bool has_descriptors(const struct plan *p)
{
	enum { OTHERS = 64 };
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || p->descriptors + OTHERS <= limit.rlim_cur)
		return true;
	log_line(LOG_LEVEL_ERROR, NULL, "sinks may open more files than the system allows",
		 "needed=%zu limit=%ju cure=%s", p->descriptors + OTHERS, (uintmax_t)limit.rlim_cur,
		 "give them a smaller `max_open`, or raise the limit (`ulimit -n`, LimitNOFILE=)");
	return false;
}

static int make_pipeline(struct run *r, struct pipeline *p)
{
	int error = pipeline_init(p, &r->loaded->plan, r->arguments->once, r->io,
				  recovery_memory(&r->recovery));
	if (error < 0)
		return error;
	error = pipeline_supervise(p, &r->supervision);
	if (error < 0)
		pipeline_release(p);
	return error;
}

static int live(struct run *r, bool *ret_proven)
{
	struct pipeline p;
	*ret_proven = false;
	if (!has_descriptors(&r->loaded->plan))
		return EXIT_FAILED;
	int code = clearing_run(&r->recovery, &r->loaded->topology, &r->notify);
	/* What a disk failed to do is no reason to go back: after a sync that failed nothing more may be written. */
	*ret_proven = code == EXIT_IO;
	if (code != EXIT_DONE)
		return code;
	int error = make_pipeline(r, &p);
	if (error < 0) {
		log_line(LOG_LEVEL_ERROR, NULL, "cannot build the pipeline", "error=%s",
			 strerror(-error));
		return EXIT_FAILED;
	}
	code = live_with(r, &p, ret_proven);
	pipeline_release(&p);
	return code;
}

static int live_on(struct run *r)
{
	for (;;) {
		bool proven;
		r->restarting = false;
		int code = live(r, &proven);
		if (!proven && r->before) {
			go_back(r);
			continue;
		}
		if (r->restarting) {
			if (!begin_anew(r))
				return code;
			continue;
		}
		forget(&r->before);
		if (code != EXIT_DONE || !r->next)
			return code;
		take_next(r);
	}
}

/* As many followed files as the system allows. */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int listen_and_live(struct run *r)
{
	int error = backend_choose(r->arguments->io, &r->io);
	if (error < 0) {
		log_line(LOG_LEVEL_ERROR, NULL, "io_uring refused", "error=%s", strerror(-error));
		return EXIT_FAILED;
	}
	r->signals = signals_open();
	if (r->signals < 0)
		return EXIT_FAILED;
	int code = live_on(r);
	close(r->signals);
	return code;
}

static int recover_and_live(struct run *r)
{
	set_up_log(r);
	waiter_setup(true);
	raise_file_limit();
	const struct topology *t = &r->loaded->topology;
	bool from_scratch = r->arguments->from_scratch;
	int code = EXIT_DONE;
	notify_begin(&r->notify);
	if (t->epoch.interval_ns == 0)
		code = clearing_run_without_epochs(t, from_scratch, &r->notify);
	if (code == EXIT_DONE)
		code = recovery_open(&r->recovery, t, from_scratch);
	if (code == EXIT_DONE)
		code = listen_and_live(r);
	notify_end(&r->notify);
	recovery_release(&r->recovery);
	return code;
}

static int run_loaded(const struct arguments *a)
{
	int code;
	struct run r = {.arguments = a};
	r.loaded = load_anew(a, &code);
	supervision_init(&r.supervision);
	if (r.loaded) {
		supervision_follow(&r.supervision, &r.loaded->topology);
		code = recover_and_live(&r);
	}
	supervision_release(&r.supervision);
	forget(&r.before);
	forget(&r.next);
	forget(&r.loaded);
	return code;
}

int command_run(int argc, char **argv)
{
	struct arguments a;
	int code = EXIT_USAGE;
	signals_hold_back();
	if (arguments_read(&a, "run", TAKES_CONFIG | TAKES_RUN, argc, argv) == 0)
		code = run_loaded(&a);
	arguments_release(&a);
	return code;
}
