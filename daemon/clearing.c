#include "daemon/clearing.h"
#include "daemon/arguments.h"
#include "daemon/leftovers.h"
#include "daemon/log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_NS UINT64_C(100000000) /* so often, while it waits, whether we are to end */
#define NOTIFY_NS UINT64_C(1000000000)

struct clearing {
	struct leftovers_host host; /* must stand first */
	struct runner clock;        /* never started: only what its env needs */
	struct stage_env env;
	const struct notify *notify;
	uint64_t notified_ns;
};

static struct clearing *from_host(struct leftovers_host *h)
{
	return (struct clearing *)(void *)h;
}

static void be_about(struct leftovers_host *h, const char *sink)
{
	from_host(h)->env.stage = sink;
}

static bool is_asked_to_end(void)
{
	sigset_t pending;
	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

static int pass(struct leftovers_host *h, bool idle)
{
	struct clearing *c = from_host(h);
	if (!idle)
		return 0;
	uint64_t look_ns = backend_now_ns() + LOOK_NS, named_ns = c->clock.deadline_ns;
	if (is_asked_to_end())
		return -EINTR;
	if (look_ns - c->notified_ns > NOTIFY_NS) {
		c->notified_ns = look_ns;
		notify_waiting(c->notify);
	}
	backend_wait(h->backend, named_ns < look_ns ? named_ns : look_ns);
	c->clock.deadline_ns = UINT64_MAX;
	return 0;
}

static int begin(struct clearing *c, const struct notify *notify)
{
	struct backend *b;
	int r = backend_open(&b, BACKEND_PLAIN, NULL);
	if (r < 0)
		return r;
	c->notify = notify;
	c->clock.deadline_ns = UINT64_MAX;
	c->env =
	    (struct stage_env){.env = {.ops = &runner_env_ops, .io = &b->io}, .runner = &c->clock};
	c->host = (struct leftovers_host){
	    .env = &c->env.env, .backend = b, .about = be_about, .pass = pass};
	return 0;
}

static int say_failed(const struct recovery *r, int error)
{
	if (error == -EINTR) {
		log_line(LOG_LEVEL_ERROR, NULL, "stopped before outputs were brought back",
			 "state_dir=%s", r->path);
		return EXIT_FAILED;
	}
	log_line(LOG_LEVEL_ERROR, NULL, "outputs of earlier runs cannot be brought back",
		 "state_dir=%s error=%s", r->path, strerror(-error));
	return EXIT_IO;
}

static int bring_back(struct recovery *r, const struct topology *t, const struct notify *notify,
		      bool all)
{
	struct clearing *c = calloc(1, sizeof *c);
	int error = c ? begin(c, notify) : -ENOMEM;
	if (error == 0) {
		error = leftovers_bring_back(&c->host, t, &r->log, r->dir.fd, r->path, all);
		backend_close(c->host.backend);
	}
	free(c);
	return error < 0 ? say_failed(r, error) : 0;
}

int clearing_run(struct recovery *r, const struct topology *t, const struct notify *notify)
{
	return recovery_memory(r) ? bring_back(r, t, notify, false) : 0;
}

int clearing_run_without_epochs(const struct topology *t, bool from_scratch,
				const struct notify *notify)
{
	struct recovery *r = calloc(1, sizeof *r);
	if (!r) {
		log_line(LOG_LEVEL_ERROR, NULL, "state directory cannot be used", "error=%s",
			 strerror(ENOMEM));
		return EXIT_FAILED;
	}
	int code = recovery_open_found(r, t, from_scratch);
	if (code == 0 && recovery_memory(r) && r->log.epoch > 0)
		log_line(LOG_LEVEL_WARN, NULL, "epochs are off, nothing of this run is remembered",
			 "state_dir=%s epoch=%ju next=%s", r->path, (uintmax_t)r->log.epoch,
			 "a run with epochs goes on where that one ended");
	if (code == 0 && recovery_memory(r))
		code = bring_back(r, t, notify, true);
	recovery_release(r);
	free(r);
	return code;
}
