#include "daemon/life.h"
#include "daemon/arguments.h"
#include "daemon/log.h"
#include "daemon/processes.h"
#include "daemon/progress.h"
#include "daemon/signals.h"
#include "daemon/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	PATIENCE_NS = 500 * 1000 *
		      1000, /* timeout(1) and terminals may send the same signal twice in one go */
	STATUS_S = 5,
};

static double seconds_so_far(const struct life *l)
{
	return (double)(backend_now_ns() - l->started_ns) / 1e9;
}

/* Stopping */

static void begin_stop(struct life *l, const char *why)
{
	if (l->stopping)
		return;
	l->stopping = true;
	l->said_slow = false;
	l->stop_deadline_ns = backend_now_ns() + l->topology->shutdown_timeout_ns;
	if (!l->reloading && !l->restarting)
		notify_stopping(l->notify);
	log_line(LOG_LEVEL_INFO, NULL, "stopping", "reason=%s", why);
	pipeline_stop(l->pipeline);
}

/* In a reload, too: then what follows is a restart. */
static void begin_stop_after_failure(struct life *l, const struct worker *failed)
{
	if (l->said_failed || (l->stopping && !l->reloading))
		return;
	l->said_failed = true;
	l->restarting = l->restart && l->restart(l->context, failed);
	char why[sizeof failed->name + sizeof " failed"];
	snprintf(why, sizeof why, "%s failed", failed->name);
	begin_stop(l, why);
}

static void look_for_failure(struct life *l)
{
	const struct worker *failed = pipeline_failed(l->pipeline);
	if (failed)
		begin_stop_after_failure(l, failed);
}

/* Nothing more can be done for those that hang: leave without waiting for any thread. */
static void __attribute__((noreturn)) leave_now(struct life *l, const char *why)
{
	log_line(LOG_LEVEL_ERROR, NULL, "stopped before everything was stored", "reason=%s", why);
	processes_kill_all();
	pipeline_report(l->pipeline);
	progress_end();
	summary_print(l->pipeline, seconds_so_far(l), true);
	_exit(EXIT_FAILED);
}

static void say_slow(struct life *l)
{
	log_line(LOG_LEVEL_WARN, NULL, "reload waits for what is under way to be stored",
		 "after_ms=%" PRIu64, l->topology->shutdown_timeout_ns / 1000000);
	pipeline_report(l->pipeline);
	l->said_slow = true;
}

static void look_at_deadline(struct life *l)
{
	if (!l->stopping || backend_now_ns() < l->stop_deadline_ns || pipeline_ended(l->pipeline))
		return;
	if (!l->reloading)
		leave_now(l, "shutdown_timeout");
	if (!l->said_slow)
		say_slow(l);
}

/* Signals */

static void ask_to_reload(struct life *l)
{
	l->reload_again = l->stopping || !l->said_ready;
	if (l->reload_again)
		return;
	notify_reloading(l->notify);
	l->reloading = l->reload(l->context);
	if (l->reloading)
		begin_stop(l, "reload");
	else
		notify_ready(l->notify);
}

/* What was to follow, a reload or a restart, does not any more. */
static void ask_to_stop(struct life *l, uint32_t number)
{
	l->signalled = true;
	l->signalled_ns = backend_now_ns();
	if (l->reloading || l->restarting) {
		l->reloading = l->restarting = false;
		l->stopping = false;
	}
	begin_stop(l, signals_name(number));
}

static void on_signal(struct life *l, uint32_t number)
{
	if (number == SIGUSR1)
		pipeline_report(l->pipeline);
	else if (number == SIGHUP)
		ask_to_reload(l);
	else if (!l->signalled)
		ask_to_stop(l, number);
	else if (backend_now_ns() - l->signalled_ns > PATIENCE_NS)
		leave_now(l, "second signal");
}

static void read_signals(struct life *l)
{
	uint32_t number;
	while ((number = signals_take(l->signals)))
		on_signal(l, number);
}

/* The service manager */

static void tell_status(struct life *l, uint64_t now)
{
	if (!notify_is_on(l->notify) || now < l->status_due_ns)
		return;
	struct totals t = summary_totals(l->pipeline);
	char in[16], out[16];
	notify_status(
	    l->notify, "%s: in %" PRIu64 " records %s, out %" PRIu64 " records %s, epoch %" PRIu64,
	    l->topology->name.bytes, t.records_in, human_bytes((double)t.bytes_in, in),
	    t.records_out, human_bytes((double)t.bytes_out, out), pipeline_epoch(l->pipeline));
	l->status_due_ns = now + STATUS_S * UINT64_C(1000000000);
}

static void tell_ready(struct life *l)
{
	if (l->said_ready || l->stopping || !pipeline_is_open(l->pipeline))
		return;
	l->said_ready = true;
	notify_ready(l->notify);
}

/* Fed only while every thread moves or has reason to wait. */
static void feed_watchdog(struct life *l, uint64_t now)
{
	if (now < watchdog_next_ns(&l->watchdog))
		return;
	const char *stuck = watchdog_look(&l->watchdog, l->pipeline, now);
	if (!stuck)
		notify_alive(l->notify);
	else if (!l->said_stuck)
		log_line(LOG_LEVEL_ERROR, NULL, "a thread does not move, the watchdog is not fed",
			 "thread=%s", stuck);
	l->said_stuck = stuck != NULL;
}

/* Waiting */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int wait_ms(const struct life *l)
{
	uint64_t now = backend_now_ns(), next = watchdog_next_ns(&l->watchdog);
	if (progress_shown())
		next = earlier(next, now + PROGRESS_INTERVAL_MS * UINT64_C(1000000));
	if (notify_is_on(l->notify))
		next = earlier(next, l->status_due_ns);
	if (l->stopping && !l->said_slow)
		next = earlier(next, l->stop_deadline_ns);
	if (next == UINT64_MAX)
		return -1;
	uint64_t ms = next > now ? (next - now) / 1000000 + 1 : 0;
	return ms > 60000 ? 60000 : (int)ms;
}

static void look_after(struct life *l)
{
	uint64_t count, now = backend_now_ns();
	while (read(l->pipeline->ended_event, &count, sizeof count) > 0)
		;
	read_signals(l);
	look_for_failure(l);
	if (pipeline_log_failure(l->pipeline) < 0)
		begin_stop(l, "epochs cannot be committed");
	look_at_deadline(l);
	tell_ready(l);
	if (l->reload_again && !l->stopping)
		ask_to_reload(l);
	tell_status(l, now);
	feed_watchdog(l, now);
	if (progress_shown())
		progress_draw(seconds_so_far(l));
}

static void wait_for_end(struct life *l)
{
	struct pollfd polled[] = {{.fd = l->signals, .events = POLLIN},
				  {.fd = l->pipeline->ended_event, .events = POLLIN}};
	while (!pipeline_ended(l->pipeline)) {
		if (poll(polled, 2, wait_ms(l)) < 0 && errno != EINTR)
			break;
		look_after(l);
	}
}

/* The result */

static int failure_code(const struct worker *w)
{
	return w->kind == STAGE_SINK ? EXIT_IO : EXIT_FAILED;
}

/* Of a run to the end of the input, to be told from one that got there. */
static bool is_cut_short(const struct life *l)
{
	return l->once && l->signalled && pipeline_is_cut_short(l->pipeline);
}

static int result(struct life *l)
{
	const struct worker *failed = pipeline_failed(l->pipeline);
	if (pipeline_log_failure(l->pipeline) < 0)
		return EXIT_IO;
	if (failed)
		return failure_code(failed);
	if (is_cut_short(l)) {
		log_line(LOG_LEVEL_WARN, NULL, "stopped before the end of the input", "cure=%s",
			 "run it again, and it goes on from there");
		return EXIT_FAILED;
	}
	/* An input that could not be read whole is no success, though all the others went through. */
	const struct totals t = summary_totals(l->pipeline);
	return l->once && t.errors > t.undone ? EXIT_FAILED : EXIT_DONE;
}

/* What a disk fails to do it would not do for another topology either. */
static bool is_unproven(struct life *l)
{
	const struct worker *failed = pipeline_failed(l->pipeline);
	return failed && failed->failure != -EIO && pipeline_log_failure(l->pipeline) == 0 &&
	       pipeline_epoch(l->pipeline) == l->first_epoch;
}

static void say_not_started(int error)
{
	log_line(LOG_LEVEL_ERROR, NULL, "cannot start", "error=%s", strerror(-error));
}

static int start(struct life *l)
{
	if (l->once)
		progress_begin(l->pipeline);
	int error = pipeline_start(l->pipeline);
	if (error < 0)
		say_not_started(error);
	return error;
}

int life_run(struct life *l)
{
	l->started_ns = backend_now_ns();
	l->first_epoch = pipeline_epoch(l->pipeline);
	int error =
	    watchdog_begin(&l->watchdog, l->pipeline, l->notify->watchdog_ns, l->started_ns);
	if (error < 0) {
		say_not_started(error);
		l->unproven = true;
		return EXIT_FAILED;
	}
	error = start(l);
	wait_for_end(l);
	look_for_failure(l); /* it may have ended before anybody looked */
	pipeline_join(l->pipeline);
	progress_end();
	watchdog_end(&l->watchdog);
	l->restarting &= error == 0 && pipeline_log_failure(l->pipeline) == 0;
	l->unproven = error < 0 || is_unproven(l);
	int code = error < 0 ? EXIT_FAILED : result(l);
	summary_print(l->pipeline, seconds_so_far(l), code != EXIT_DONE);
	return code;
}
