/* calls: the policies in their order, one attempt at a time. */
#include "stages/policy/calls.h"
#include "tests/unit/stages/seeded_world.h"

#include <criterion/criterion.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static struct seeded_world w;
static struct call_options options;
static struct calls c;
static unsigned heard;

static void set_up(void)
{
	seeded_world_init(&w, 1);
	heard = 0;
	options = (struct call_options){
	    .timeout_ns = 5 * SECOND,
	    .retry = {.base_delay_ns = 100 * MS,
		      .max_delay_ns = 30 * SECOND,
		      .jitter = JITTER_NONE},
	    .breaker = {.failure_threshold = 2, .reset_timeout_ns = 10 * SECOND},
	    .rate_limit = {.rate = 10, .burst = 10, .unit = RATE_RECORDS}};
}

static void tear_down(void)
{
	calls_release(&c);
	cr_expect_eq(counter_get(&w.counters.calls.in_flight), 0);
}

TestSuite(calls, .init = set_up, .fini = tear_down);

static void given(bool limit, uint64_t places, bool breaker)
{
	options.rate_limit_given = limit;
	options.max_in_flight = places;
	options.breaker_given = breaker;
	calls_init(&c, &w.stage, &options);
}

static struct call *made(struct call *call, uint64_t records)
{
	call_init(call, records, 0);
	return call;
}

static void begins(struct call *call)
{
	cr_expect_eq(calls_try(&c, call), CALL_BEGIN);
}

/* And when it is to be asked again; 0: when another one has ended. */
static void waits(struct call *call, uint64_t until_ns)
{
	w.wake_ns = UINT64_MAX;
	cr_expect_eq(calls_try(&c, call), CALL_WAIT);
	cr_expect_eq(w.wake_ns, until_ns ? until_ns : UINT64_MAX);
}

static bool fails(struct call *call, const char *reason)
{
	return calls_failed(&c, call, &(struct call_failure){.reason = reason});
}

static uint64_t counted(const struct counter *counter)
{
	return counter_get(counter);
}

Test(calls, without_policies_a_call_begins_at_once_and_ends)
{
	struct call one;
	given(false, 0, false);
	begins(made(&one, 3));
	cr_expect_eq(counted(&w.counters.calls.in_flight), 1);
	calls_succeeded(&c, &one);
	cr_expect_eq(counted(&w.counters.calls.in_flight), 0);
	cr_expect_eq(counted(&w.counters.calls.in_flight_most), 1);
	cr_expect_eq(counted(&w.counters.calls.attempts), 1);
	cr_expect_eq(w.said_count, 0);
}

Test(calls, what_failed_is_tried_again_after_its_delay_and_not_before)
{
	struct call one;
	given(false, 1, false);
	begins(made(&one, 1));
	cr_expect(fails(&one, "connection refused"));
	cr_expect_eq(w.wake_ns, w.now_ns + 100 * MS);
	waits(&one, w.now_ns + 100 * MS);
	w.now_ns += 100 * MS;
	begins(&one);
	cr_expect(fails(&one, "connection refused"));
	waits(&one, w.now_ns + 200 * MS);
	w.now_ns += 200 * MS;
	begins(&one);
	calls_succeeded(&c, &one);
	cr_expect_eq(one.attempts, 3);
	cr_expect_eq(counted(&w.counters.calls.retries), 2);
	cr_expect_eq(counted(&w.counters.calls.given_up), 0);
}

Test(calls, nothing_is_held_while_a_retry_waits)
{
	struct call one, two;
	given(false, 1, false);
	begins(made(&one, 1));
	waits(made(&two, 1), 0);
	w.wake_ns = UINT64_MAX;
	fails(&one, "timeout");
	cr_expect_eq(w.wake_ns, w.now_ns, "the other one may begin");
	begins(&two);
	calls_succeeded(&c, &two);
	calls_cancelled(&c, &one);
	cr_expect_eq(c.places.held, 0);
}

Test(calls, peer_that_asks_for_a_longer_delay_gets_it_up_to_an_hour)
{
	struct call one;
	given(false, 0, false);
	const uint64_t asked[] = {0, 50 * MS, 7 * SECOND, UINT64_MAX};
	const uint64_t gets[] = {100 * MS, 200 * MS, 7 * SECOND, RETRY_AFTER_MAX_NS};
	made(&one, 1);
	for (size_t i = 0; i < 4; i++) {
		begins(&one);
		cr_expect(calls_failed(
		    &c, &one,
		    &(struct call_failure){.reason = "status 503", .retry_after_ns = asked[i]}));
		waits(&one, w.now_ns + gets[i]);
		w.now_ns += gets[i];
	}
	calls_cancelled(&c, &one);
}

Test(calls, attempts_that_are_used_up_are_given_up)
{
	struct call one;
	options.retry.max_attempts = 2;
	given(false, 0, false);
	begins(made(&one, 1));
	cr_expect(fails(&one, "reset"));
	w.now_ns += SECOND;
	begins(&one);
	cr_expect_not(fails(&one, "reset"));
	cr_expect_eq(counted(&w.counters.calls.given_up), 1);
	cr_expect_eq(counted(&w.counters.errors), 1);
	calls_cancelled(&c, &one);
	cr_expect_eq(counted(&w.counters.calls.given_up), 1);
}

Test(calls, lasting_failure_is_given_up_at_once_and_is_an_answer_to_the_breaker)
{
	struct call one;
	given(false, 0, true);
	for (int i = 0; i < 5; i++) {
		begins(made(&one, 1));
		cr_expect_not(calls_failed(
		    &c, &one, &(struct call_failure){.reason = "status 400", .is_lasting = true}));
	}
	cr_expect_eq(c.breaker.state, BREAKER_CLOSED);
	cr_expect_eq(counted(&w.counters.calls.given_up), 5);
}

Test(calls, limit_comes_before_a_place_so_that_who_waits_for_it_takes_none)
{
	struct call one, two;
	given(true, 1, false);
	waits(made(&one, 20), w.now_ns + SECOND);
	cr_expect_eq(c.places.held, 0);
	w.now_ns += SECOND;
	begins(&one);
	waits(made(&two, 10), w.now_ns + SECOND);
	w.now_ns += SECOND;
	waits(&two, 0);
	calls_succeeded(&c, &one);
	begins(&two);
	calls_succeeded(&c, &two);
	cr_expect_eq(counted(&w.counters.calls.limited_ns), 2 * SECOND);
}

Test(calls, each_attempt_pays)
{
	struct call one;
	given(true, 0, false);
	begins(made(&one, 10));
	fails(&one, "reset");
	w.now_ns += 100 * MS;
	waits(&one, w.now_ns + 900 * MS);
	calls_cancelled(&c, &one);
}

Test(calls, place_comes_before_the_breaker_which_is_asked_last)
{
	struct call one, two, three;
	given(false, 2, true);
	begins(made(&one, 1));
	begins(made(&two, 1));
	waits(made(&three, 1), 0);
	fails(&one, "reset");
	fails(&two, "reset");
	uint64_t until = w.now_ns + 10 * SECOND;
	waits(&three, until);
	cr_expect_eq(c.places.held, 1);
	w.now_ns += SECOND;
	waits(&one, until);
	waits(&two, 0);
	w.now_ns = until;
	begins(&three);
	waits(&one, 0);
	w.wake_ns = UINT64_MAX;
	calls_succeeded(&c, &three);
	cr_expect_eq(w.wake_ns, w.now_ns, "those who wait for the probe are asked once more");
	begins(&one);
	begins(&two);
	calls_succeeded(&c, &one);
	calls_succeeded(&c, &two);
}

Test(calls, timeout_is_told_once_and_counts_from_the_attempts_beginning)
{
	struct call one;
	given(true, 0, false);
	waits(made(&one, 20), w.now_ns + SECOND);
	w.now_ns += SECOND;
	begins(&one);
	w.wake_ns = UINT64_MAX;
	cr_expect_not(calls_overdue(&c, &one));
	cr_expect_eq(w.wake_ns, w.now_ns + 5 * SECOND);
	w.now_ns += 5 * SECOND;
	cr_expect(calls_overdue(&c, &one));
	cr_expect_not(calls_overdue(&c, &one));
	cr_expect(fails(&one, "timeout"));
	cr_expect_eq(counted(&w.counters.calls.timeouts), 1);
	calls_cancelled(&c, &one);
}

Test(calls, without_a_timeout_nothing_is_overdue)
{
	struct call one;
	options.timeout_ns = 0;
	given(false, 0, false);
	begins(made(&one, 1));
	w.now_ns = UINT64_MAX - 1;
	cr_expect_not(calls_overdue(&c, &one));
	calls_succeeded(&c, &one);
}

Test(calls, cancelling_lets_go_wherever_the_call_stands)
{
	struct call limited, under_way, in_line, at_breaker, failed;
	given(true, 1, true);
	begins(made(&failed, 5));
	fails(&failed, "reset");
	begins(made(&under_way, 5));
	waits(made(&limited, 10), w.now_ns + SECOND);
	waits(made(&in_line, 0), w.now_ns + SECOND);
	w.now_ns += SECOND;
	waits(&in_line, 0);
	calls_cancelled(&c, &failed);
	calls_cancelled(&c, &limited);
	calls_cancelled(&c, &under_way);
	begins(&in_line);
	fails(&in_line, "reset");
	cr_expect_eq(c.breaker.state, BREAKER_OPEN);
	waits(made(&at_breaker, 0), w.now_ns + 10 * SECOND);
	cr_expect_eq(c.places.held, 1);
	calls_cancelled(&c, &at_breaker);
	calls_cancelled(&c, &in_line);
	cr_expect_eq(c.places.held, 0);
	cr_expect_eq(c.standing, 0);
	cr_expect_eq(c.failing, 0);
	cr_expect_eq(c.in_flight, 0);
}

Test(calls, stage_that_has_another_way_is_refused_while_the_breaker_is_open)
{
	struct call one, two;
	given(true, 1, true);
	c.may_refuse = true;
	options.retry.max_attempts = 1;
	for (int i = 0; i < 2; i++) {
		begins(made(&one, 0));
		cr_expect_not(fails(&one, "reset"));
	}
	cr_expect(calls_are_shut(&c));
	cr_expect_eq(calls_try(&c, made(&one, 1000)), CALL_BREAKER_OPEN);
	cr_expect_eq(c.places.held, 0);
	w.now_ns += 10 * SECOND;
	begins(made(&two, 0));
	cr_expect_eq(calls_try(&c, &one), CALL_BREAKER_OPEN);
	calls_succeeded(&c, &two);
	waits(&one, w.now_ns + 99 * SECOND);
	calls_cancelled(&c, &one);
}

Test(calls, changes_of_the_breaker_are_told_and_counted)
{
	struct call one;
	given(false, 0, true);
	begins(made(&one, 1));
	for (int i = 0; i < 4; i++) {
		fails(&one, "connection refused");
		w.now_ns += 10 * SECOND;
		begins(&one);
	}
	calls_succeeded(&c, &one);
	seeded_world_heard(&w, &heard,
			   "calls fail, trying again: reason=connection refused attempts=1");
	seeded_world_heard(&w, &heard,
			   "circuit breaker open: reason=connection refused for_ms=10000");
	for (int i = 0; i < 2; i++) {
		seeded_world_heard(&w, &heard, "circuit breaker half-open");
		seeded_world_heard(&w, &heard, "circuit breaker open: reason=connection refused");
	}
	seeded_world_heard(&w, &heard, "circuit breaker half-open");
	seeded_world_heard(&w, &heard, "circuit breaker closed: was_open_ms=30000");
	seeded_world_heard(&w, &heard, "calls succeed again: failures=4 after_ms=40000");
	cr_expect_eq(heard, w.said_count);
	cr_expect_eq(counted(&w.counters.calls.opened), 3);
	cr_expect_eq(counted(&w.counters.calls.breaker_state), BREAKER_CLOSED);
}

/* One that fails once and then succeeds. */
static void stumble(struct call *call)
{
	begins(made(call, 1));
	fails(call, "reset");
	w.now_ns += 100 * MS;
	begins(call);
	calls_succeeded(&c, call);
}

Test(calls, failures_now_and_then_are_told_of_once_a_minute)
{
	struct call one;
	given(false, 0, false);
	for (int i = 0; i < 100; i++)
		stumble(&one);
	cr_expect_eq(w.said_count, 2);
	w.now_ns += 60 * SECOND;
	stumble(&one);
	cr_expect_eq(w.said_count, 4);
	cr_expect_eq(counted(&w.counters.calls.retries), 101);
}

Test(calls, trouble_that_begins_in_a_quiet_minute_is_told_when_it_is_over)
{
	struct call one;
	given(false, 0, false);
	stumble(&one);
	cr_expect_eq(w.said_count, 2);
	begins(made(&one, 1));
	fails(&one, "reset");
	cr_expect_eq(w.said_count, 2);
	w.now_ns += 60 * SECOND;
	begins(&one);
	fails(&one, "reset");
	cr_expect_eq(w.said_count, 3);
	calls_cancelled(&c, &one);
}

Test(calls, what_is_under_way_when_the_stage_closes_is_so_no_more)
{
	struct call one;
	given(false, 1, false);
	begins(made(&one, 1));
}

Test(calls, breaker_of_a_stage_that_begins_anew_is_told_as_closed)
{
	struct call one;
	given(false, 0, true);
	for (int i = 0; i < 2; i++) {
		begins(made(&one, 1));
		fails(&one, "refused");
		calls_cancelled(&c, &one);
	}
	cr_expect_eq(counted(&w.counters.calls.breaker_state), BREAKER_OPEN);
	calls_release(&c);
	calls_init(&c, &w.stage, &options);
	cr_expect_eq(counted(&w.counters.calls.breaker_state), BREAKER_CLOSED);
	begins(made(&one, 1));
	calls_cancelled(&c, &one);
}
