#include "stages/policy/calls.h"

#include <inttypes.h>

#define QUIET_NS UINT64_C(60000000000)

static uint64_t later(uint64_t now_ns, uint64_t by_ns)
{
	return by_ns < UINT64_MAX - now_ns ? now_ns + by_ns : UINT64_MAX;
}

static struct call_counters *counters_of(const struct calls *c)
{
	return &c->stage->counters->calls;
}

static uint64_t now_of(const struct calls *c)
{
	return env_now_ns(c->stage->env);
}

void calls_init(struct calls *c, struct stage *s, const struct call_options *o)
{
	*c = (struct calls){
	    .stage = s, .options = o, .may_refuse = s->on_error == ON_ERROR_FALL_BACK};
	const uint64_t now = now_of(c);
	semaphore_init(&c->places, o->max_in_flight);
	if (o->rate_limit_given)
		rate_limit_init(&c->rate_limit, &o->rate_limit, now);
	if (o->breaker_given)
		breaker_init(&c->breaker, &o->breaker, now);
	counter_set(&counters_of(c)->breaker_state, BREAKER_CLOSED);
}

void calls_release(struct calls *c)
{
	if (c->stage)
		counter_add(&counters_of(c)->in_flight, -c->in_flight);
	*c = (struct calls){0};
}

void call_init(struct call *call, uint64_t records, uint64_t bytes)
{
	*call = (struct call){.records = records, .bytes = bytes};
	chain_init(&call->turn);
}

/* ---- what people are told ---- */

static void tell_breaker(struct calls *c, const char *reason, uint64_t now)
{
	struct env *env = c->stage->env;
	const struct breaker *b = &c->breaker;
	counter_set(&counters_of(c)->breaker_state, b->state);
	switch (b->state) {
	case BREAKER_OPEN:
		counter_add(&counters_of(c)->opened, 1);
		env_say(env, SAY_WARN, "circuit breaker open",
			"reason=%s for_ms=%" PRIu64 " open_since_ms=%" PRIu64, reason,
			b->options->reset_timeout_ns / 1000000, (now - b->opened_ns) / 1000000);
		break;
	case BREAKER_HALF_OPEN:
		env_say(env, SAY_INFO, "circuit breaker half-open, one attempt is made",
			"open_since_ms=%" PRIu64, (now - b->opened_ns) / 1000000);
		break;
	case BREAKER_CLOSED:
		env_say(env, SAY_INFO, "circuit breaker closed", "was_open_ms=%" PRIu64,
			(now - b->opened_ns) / 1000000);
		break;
	}
}

/* Calls that fail now and then are told of once a minute; those that begin to after a quiet minute, at once. */
static void note_failure(struct calls *c, const struct call *call, const char *reason,
			 const char *event, uint64_t in_ns)
{
	struct call_trouble *t = &c->trouble;
	const uint64_t now = now_of(c);
	if (t->failures++ == 0)
		t->since_ns = now;
	if (t->told || now < t->quiet_until_ns)
		return;
	t->told = true;
	env_say(c->stage->env, SAY_WARN, event,
		"reason=%s attempts=%" PRIu64 " failures=%" PRIu64 " in_ms=%" PRIu64, reason,
		call->attempts, t->failures, in_ns / 1000000);
}

static void end_trouble(struct calls *c)
{
	struct call_trouble *t = &c->trouble;
	if (t->failures == 0 || c->failing > 0)
		return;
	const uint64_t now = now_of(c);
	if (t->told) {
		t->quiet_until_ns = later(now, QUIET_NS);
		env_say(c->stage->env, SAY_INFO, "calls succeed again",
			"failures=%" PRIu64 " after_ms=%" PRIu64, t->failures,
			(now - t->since_ns) / 1000000);
	}
	t->failures = 0;
	t->told = false;
}

/* ---- from one gate to the next ---- */

static enum call_answer wait_until(struct calls *c, uint64_t when_ns)
{
	env_wake_at(c->stage->env, when_ns);
	return CALL_WAIT;
}

/* Those that stand and wait for what has just ended are asked once more. */
static void rouse(struct calls *c)
{
	if (c->standing > 0)
		env_wake_at(c->stage->env, now_of(c));
}

/* Of what it holds where it stands. */
static void let_go(struct calls *c, struct call *call)
{
	c->standing -= call->at == CALL_AT_LINE || call->at == CALL_AT_BREAKER;
	if (call->at == CALL_AT_LINE)
		semaphore_leave(&call->turn);
	if (call->at == CALL_AT_BREAKER || call->at == CALL_UNDER_WAY)
		semaphore_give(&c->places);
	if (call->at == CALL_UNDER_WAY) {
		c->in_flight--;
		counter_add(&counters_of(c)->in_flight, UINT64_MAX);
	}
	call->at = CALL_AT_FRONT;
	rouse(c);
}

static void pay(struct calls *c, struct call *call, uint64_t now)
{
	call->at = CALL_AT_LIMIT;
	call->since_ns = call->until_ns = now;
	if (c->options->rate_limit_given)
		call->until_ns = rate_limit_take(&c->rate_limit, call->records, call->bytes, now);
}

static void stand_in_line(struct calls *c, struct call *call, uint64_t now)
{
	if (call->until_ns > call->since_ns)
		counter_add(&counters_of(c)->limited_ns, now - call->since_ns);
	call->at = CALL_AT_LINE;
	c->standing++;
}

static enum call_answer ask_breaker(struct calls *c, struct call *call, uint64_t now)
{
	uint64_t when_ns;
	const enum breaker_state before = c->breaker.state;
	if (!c->options->breaker_given)
		return CALL_BEGIN;
	if (breaker_ask(&c->breaker, now, &call->pass, &when_ns) == BREAKER_GO) {
		if (c->breaker.state != before)
			tell_breaker(c, NULL, now);
		return CALL_BEGIN;
	}
	return when_ns < UINT64_MAX ? wait_until(c, when_ns) : CALL_WAIT;
}

static void begin(struct calls *c, struct call *call, uint64_t now)
{
	struct call_counters *counters = counters_of(c);
	c->standing--;
	call->at = CALL_UNDER_WAY;
	call->until_ns = c->options->timeout_ns ? later(now, c->options->timeout_ns) : UINT64_MAX;
	c->in_flight++;
	counter_add(&counters->attempts, 1);
	counter_add(&counters->in_flight, 1);
	counter_raise(&counters->in_flight_most, counter_get(&counters->in_flight));
	if (call->attempts++ > 0) {
		counter_add(&counters->retries, 1);
		counter_add(&c->stage->counters->retries, 1);
	}
}

bool calls_are_shut(struct calls *c)
{
	return c->options->breaker_given && breaker_is_shut(&c->breaker, now_of(c));
}

static enum call_answer refuse(struct calls *c, struct call *call)
{
	if (call->at != CALL_AT_FRONT)
		call->until_ns = 0;
	let_go(c, call);
	return CALL_BREAKER_OPEN;
}

enum call_answer calls_try(struct calls *c, struct call *call)
{
	assert(call->at < CALL_UNDER_WAY);
	const uint64_t now = now_of(c);
	if (c->may_refuse && calls_are_shut(c))
		return refuse(c, call);
	if (call->at == CALL_AT_FRONT && now >= call->until_ns)
		pay(c, call, now);
	if (call->at <= CALL_AT_LIMIT && now < call->until_ns)
		return wait_until(c, call->until_ns);
	if (call->at == CALL_AT_LIMIT)
		stand_in_line(c, call, now);
	if (call->at == CALL_AT_LINE) {
		if (!semaphore_take(&c->places, &call->turn))
			return CALL_WAIT;
		call->at = CALL_AT_BREAKER;
	}
	enum call_answer answer = ask_breaker(c, call, now);
	if (answer == CALL_BEGIN)
		begin(c, call, now);
	return answer;
}

bool calls_overdue(struct calls *c, struct call *call)
{
	if (call->at != CALL_UNDER_WAY || call->until_ns == UINT64_MAX)
		return false;
	if (now_of(c) < call->until_ns) {
		env_wake_at(c->stage->env, call->until_ns);
		return false;
	}
	call->until_ns = UINT64_MAX;
	counter_add(&counters_of(c)->timeouts, 1);
	return true;
}

/* ---- what goes over a connection ---- */

struct rate_portion calls_portion(const struct calls *c)
{
	return c->options->rate_limit_given ? rate_limit_portion(&c->rate_limit)
					    : (struct rate_portion){UINT64_MAX, UINT64_MAX};
}

uint64_t calls_pay(struct calls *c, uint64_t records, uint64_t bytes)
{
	const uint64_t now = now_of(c);
	if (!c->options->rate_limit_given || c->rate_limit.unit == RATE_OPERATIONS)
		return now;
	uint64_t when_ns = rate_limit_take(&c->rate_limit, records, bytes, now);
	counter_add(&counters_of(c)->limited_ns, when_ns - now);
	return when_ns;
}

/* ---- how it ends ---- */

static void tell_breaker_good(struct calls *c, const struct call *call)
{
	const uint64_t now = now_of(c);
	if (c->options->breaker_given && breaker_succeeded(&c->breaker, call->pass, now))
		tell_breaker(c, NULL, now);
}

static void tell_breaker_bad(struct calls *c, const struct call *call, const char *reason)
{
	const uint64_t now = now_of(c);
	if (c->options->breaker_given && breaker_failed(&c->breaker, call->pass, now))
		tell_breaker(c, reason, now);
}

static void finish(struct calls *c, struct call *call, bool was_failing)
{
	let_go(c, call);
	c->failing -= was_failing;
	call->at = CALL_OVER;
}

void calls_succeeded(struct calls *c, struct call *call)
{
	assert(call->at == CALL_UNDER_WAY);
	tell_breaker_good(c, call);
	finish(c, call, call->attempts > 1);
	end_trouble(c);
}

static void put_off(struct calls *c, struct call *call, const struct call_failure *why)
{
	uint64_t after =
	    why->retry_after_ns < RETRY_AFTER_MAX_NS ? why->retry_after_ns : RETRY_AFTER_MAX_NS;
	uint64_t delay =
	    retry_delay_ns(&c->options->retry, call->attempts, env_random(c->stage->env));
	delay = delay > after ? delay : after;
	c->failing += call->attempts == 1;
	let_go(c, call);
	call->until_ns = later(now_of(c), delay);
	note_failure(c, call, why->reason, "calls fail, trying again", delay);
	env_wake_at(c->stage->env, call->until_ns);
}

/* The topology says what becomes of what a sink gives up, and those records are counted. */
static bool is_foreseen(const struct stage *s)
{
	return s->on_error == ON_ERROR_DROP || s->on_error == ON_ERROR_DEAD_LETTER ||
	       s->on_error == ON_ERROR_FALL_BACK;
}

bool calls_failed(struct calls *c, struct call *call, const struct call_failure *why)
{
	assert(call->at == CALL_UNDER_WAY && why->reason);
	if (why->is_lasting)
		tell_breaker_good(c, call);
	else
		tell_breaker_bad(c, call, why->reason);
	if (!why->is_lasting && retry_is_allowed(&c->options->retry, call->attempts)) {
		put_off(c, call, why);
		return true;
	}
	finish(c, call, call->attempts > 1);
	counter_add(&counters_of(c)->given_up, 1);
	if (!is_foreseen(c->stage))
		counter_add(&c->stage->counters->errors, 1);
	note_failure(c, call, why->reason, "calls fail, given up", 0);
	return false;
}

void calls_cancelled(struct calls *c, struct call *call)
{
	if (call->at == CALL_OVER)
		return;
	if (call->at == CALL_UNDER_WAY && c->options->breaker_given)
		breaker_cancelled(&c->breaker, call->pass);
	/* Under way, the last attempt has not failed. */
	finish(c, call, call->attempts > (call->at == CALL_UNDER_WAY ? 1 : 0));
}
