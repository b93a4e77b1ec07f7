#include "daemon/supervision.h"
#include "daemon/backend.h"
#include "daemon/log.h"
#include "daemon/signals.h"
#include "stages/policy/retry.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

enum { NOTIFY_MS = 1000 };

static const struct retry_options backoff = {.base_delay_ns = UINT64_C(100000000),
					     .max_delay_ns = UINT64_C(30000000000)};

void supervision_init(struct supervision *s)
{
	*s = (struct supervision){.strategy = ONE_FOR_ALL};
	pthread_mutex_init(&s->lock, NULL);
}

void supervision_release(struct supervision *s)
{
	pthread_mutex_destroy(&s->lock);
}

void supervision_follow(struct supervision *s, const struct topology *t)
{
	s->strategy = (enum strategy)t->supervision.strategy;
	s->max_restarts = t->supervision.max_restarts;
	s->within_ns = t->supervision.within_ns;
}

static void forget_old(struct supervision *s, uint64_t now_ns)
{
	while (s->count > 0 && now_ns > s->times_ns[s->first] &&
	       now_ns - s->times_ns[s->first] >= s->within_ns) {
		s->first = (s->first + 1) % RESTARTS_MAX;
		s->count--;
	}
}

static bool take_one(struct supervision *s, uint64_t now_ns)
{
	forget_old(s, now_ns);
	if (s->count >= s->max_restarts)
		return false;
	s->times_ns[(s->first + s->count++) % RESTARTS_MAX] = now_ns;
	return true;
}

bool supervision_allows(struct supervision *s, uint64_t now_ns, uint64_t random,
			struct supervision_restart *ret_restart)
{
	pthread_mutex_lock(&s->lock);
	bool allowed = take_one(s, now_ns);
	uint64_t number = s->count;
	pthread_mutex_unlock(&s->lock);
	if (allowed)
		*ret_restart =
		    (struct supervision_restart){number, retry_delay_ns(&backoff, number, random)};
	return allowed;
}

/* The gravest; 0: none that matters here. */
static uint32_t take_signals(int signals, uint64_t left_ns)
{
	uint32_t number, gravest = 0;
	while ((number = signals_take(signals)))
		if (number == SIGUSR1)
			log_line(LOG_LEVEL_INFO, NULL, "waits to restart", "ms=%ju",
				 (uintmax_t)left_ns / 1000000);
		else if (gravest == 0 || gravest == SIGHUP)
			gravest = number;
	return gravest;
}

static int wait_ms(uint64_t now_ns, uint64_t until_ns)
{
	uint64_t ms = (until_ns - now_ns) / 1000000 + 1;
	return ms < NOTIFY_MS ? (int)ms : NOTIFY_MS;
}

enum supervision_wake supervision_wait(int signals, const struct notify *notify, uint64_t delay_ns)
{
	struct pollfd polled = {.fd = signals, .events = POLLIN};
	uint64_t now = backend_now_ns();
	const uint64_t until = now + delay_ns;
	for (; now < until; now = backend_now_ns()) {
		notify_waiting(notify);
		poll(&polled, 1, wait_ms(now, until));
		uint32_t number = take_signals(signals, until - now);
		if (number)
			return number == SIGHUP ? SUPERVISION_HUNG_UP : SUPERVISION_ENDED;
	}
	return SUPERVISION_GO;
}

int supervision_check(const struct topology *t, struct problems *problems)
{
	const char *wrong = NULL;
	if (t->supervision.max_restarts > 0 && t->epoch.interval_ns == 0)
		wrong = "`supervision` restarts from the last epoch, and `epoch` is `off`; give "
			"`epoch` an interval, or leave `max_restarts` out";
	else if (t->supervision.max_restarts == 0 && t->supervision.strategy == ISOLATE)
		wrong =
		    "`isolate` restarts what failed, and `max_restarts` is 0; write how often "
		    "within `within`, as in `supervision: {strategy: isolate, max_restarts: 5}`";
	if (!wrong)
		return 0;
	problem_add(problems, t->supervision_at, "%s", wrong);
	return -EINVAL;
}
