/* run.c - `sluice run`: starts the pipeline, then does nothing but listen: to signals, to workers that end, and to
 * the clock.
 *
 *   RUNNING --SIGTERM, SIGINT, SIGHUP, a worker failed--> STOPPING (sources end, queues drain) --all ended--> joined
 *                                                    | a second signal (not within PATIENCE_NS), shutdown_timeout
 *                                                    v
 *                                                 exit 1 at once
 *
 * Layer: daemon. */
#include "daemon/arguments.h"
#include "daemon/commands.h"
#include "daemon/load.h"
#include "daemon/log.h"
#include "daemon/pipeline.h"
#include "daemon/progress.h"
#include "daemon/summary.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	PATIENCE_NS = 500 * 1000 * 1000
}; /* timeout(1) and terminals may send the same signal twice in one go */

struct run {
	struct pipeline pipeline;
	const struct topology *topology;
	int signals; /* signalfd */
	bool once;
	bool stopping;
	bool signalled; /* asked to stop; a stage that failed may have begun the stop before */
	uint64_t started_ns, signalled_ns, stop_deadline_ns;
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double seconds_so_far(const struct run *r)
{
	return (double)(now_ns() - r->started_ns) / 1e9;
}

/* Signals */

/* Blocked before any thread starts, so that they come through the descriptor and nowhere else. */
static int take_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -EINVAL;
	signal(SIGPIPE, SIG_IGN); /* a closed output is an -EPIPE, dealt with where it happens */
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void begin_stop(struct run *r, const char *why)
{
	if (r->stopping)
		return;
	r->stopping = true;
	r->stop_deadline_ns = now_ns() + r->topology->shutdown_timeout_ns;
	log_line(LOG_LEVEL_INFO, NULL, "stopping", "reason=%s", why);
	pipeline_stop(&r->pipeline);
}

static void begin_stop_after_failure(struct run *r, const struct worker *failed)
{
	char why[sizeof failed->name + sizeof " failed"];
	snprintf(why, sizeof why, "%s failed", failed->name);
	begin_stop(r, why);
}

/* Nothing more can be done for those that hang: leave without waiting for any thread. */
static void __attribute__((noreturn)) leave_now(struct run *r, const char *why)
{
	log_line(LOG_LEVEL_ERROR, NULL, "stopped before everything was stored", "reason=%s", why);
	pipeline_report(&r->pipeline);
	progress_end();
	summary_print(&r->pipeline, seconds_so_far(r), true);
	_exit(EXIT_FAILED);
}

static void ask_to_stop(struct run *r, uint32_t number)
{
	if (!r->signalled)
		r->signalled_ns = now_ns();
	r->signalled = true;
	begin_stop(r, number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "SIGHUP");
}

static void on_signal(struct run *r, uint32_t number)
{
	if (number == SIGUSR1)
		pipeline_report(&r->pipeline);
	else if (r->signalled && now_ns() - r->signalled_ns > PATIENCE_NS)
		leave_now(r, "second signal");
	else
		ask_to_stop(r, number);
}

static void read_signals(struct run *r)
{
	struct signalfd_siginfo info;
	while (read(r->signals, &info, sizeof info) == (ssize_t)sizeof info)
		on_signal(r, info.ssi_signo);
}

/* Waiting */

static int wait_ms(const struct run *r)
{
	int ms = progress_shown() ? PROGRESS_INTERVAL_MS : -1;
	if (!r->stopping)
		return ms;
	uint64_t now = now_ns();
	uint64_t left = r->stop_deadline_ns > now ? (r->stop_deadline_ns - now) / 1000000 + 1 : 0;
	return ms >= 0 && (uint64_t)ms < left ? ms : (int)(left > 1000 ? 1000 : left);
}

static void look_after(struct run *r)
{
	uint64_t count;
	while (read(r->pipeline.ended_event, &count, sizeof count) > 0)
		;
	read_signals(r);
	const struct worker *failed = pipeline_failed(&r->pipeline);
	if (failed)
		begin_stop_after_failure(r, failed);
	if (r->stopping && now_ns() >= r->stop_deadline_ns && !pipeline_ended(&r->pipeline))
		leave_now(r, "shutdown_timeout");
	if (progress_shown())
		progress_draw(seconds_so_far(r));
}

static void wait_for_end(struct run *r)
{
	struct pollfd polled[] = {{.fd = r->signals, .events = POLLIN},
				  {.fd = r->pipeline.ended_event, .events = POLLIN}};
	while (!pipeline_ended(&r->pipeline)) {
		if (poll(polled, 2, wait_ms(r)) < 0 && errno != EINTR)
			break;
		look_after(r);
	}
}

/* The result */

static int failure_code(const struct worker *w)
{
	return w->kind == STAGE_SINK ? EXIT_IO : EXIT_FAILED;
}

static int result(struct run *r)
{
	const struct worker *failed = pipeline_failed(&r->pipeline);
	if (failed)
		return failure_code(failed);
	/* An input that could not be read whole is no success, though all the others went through. */
	return r->once && summary_totals(&r->pipeline).errors > 0 ? EXIT_FAILED : EXIT_DONE;
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

static int run_pipeline(struct run *r)
{
	r->started_ns = now_ns();
	if (r->once)
		progress_begin(&r->pipeline);
	int error = pipeline_start(&r->pipeline);
	if (error < 0)
		log_line(LOG_LEVEL_ERROR, NULL, "cannot start", "error=%s", strerror(-error));
	wait_for_end(r);
	pipeline_join(&r->pipeline);
	progress_end();
	int code = error < 0 ? EXIT_FAILED : result(r);
	summary_print(&r->pipeline, seconds_so_far(r), code != EXIT_DONE);
	return code;
}

static int start_and_run(struct run *r, const struct loaded *l, const struct arguments *a)
{
	enum backend_kind io;
	int error = backend_choose(a->io, &io);
	if (error < 0) {
		log_line(LOG_LEVEL_ERROR, NULL, "io_uring refused", "error=%s", strerror(-error));
		return EXIT_FAILED;
	}
	r->signals = take_signals();
	if (r->signals < 0)
		return EXIT_FAILED;
	error = pipeline_init(&r->pipeline, &l->plan, a->once, io);
	if (error < 0) {
		log_line(LOG_LEVEL_ERROR, NULL, "cannot build the pipeline", "error=%s",
			 strerror(-error));
		close(r->signals);
		return EXIT_FAILED;
	}
	int code = run_pipeline(r);
	pipeline_release(&r->pipeline);
	close(r->signals);
	return code;
}

static int run_loaded(const struct arguments *a)
{
	struct loaded l;
	int code = load(&l, a, false);
	if (code == 0) {
		log_setup(a->has_log_level ? a->log_level : (enum log_level)l.topology.log_level,
			  (enum log_format)l.topology.log_format);
		struct run r = {.topology = &l.topology, .once = a->once};
		waiter_setup(true);
		raise_file_limit();
		code = start_and_run(&r, &l, a);
	}
	loaded_release(&l);
	return code;
}

/* It kills who is not ready for it; who asks for a report may be early. It is kept until take_signals(). */
static void hold_back_reports(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int command_run(int argc, char **argv)
{
	struct arguments a;
	int code = EXIT_USAGE;
	hold_back_reports();
	if (arguments_read(&a, "run", TAKES_CONFIG | TAKES_RUN, argc, argv) == 0)
		code = run_loaded(&a);
	arguments_release(&a);
	return code;
}
