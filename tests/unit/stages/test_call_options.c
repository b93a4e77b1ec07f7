/* call_options: what is written in a topology, and what that comes to. */
#include "stages/policy/call_options.h"
#include "tests/unit/stages/option_trial.h"

#include <criterion/criterion.h>

#define MS UINT64_C(1000000)

struct trial_options {
	uint64_t first; /* given_offset 0 would mean that there is none */
	struct call_options calls;
	struct batch_limits batch;
	struct pool_options pool;
};

static const struct option table[] = {
    CALL_OPTION_ROWS(offsetof(struct trial_options, calls)),
    BATCH_LIMIT_ROWS(offsetof(struct trial_options, batch)),
    POOL_ROWS(offsetof(struct trial_options, pool)),
    {0},
};

static void check(const void *options, struct place at, struct problems *problems)
{
	const struct trial_options *o = options;
	call_options_check(&o->calls, at, problems);
	pool_options_check(&o->pool, at, problems);
}

static struct trial_options filled(const char *yaml)
{
	struct trial_options o;
	void *arena;
	options_fill(table, &o, sizeof o, check, yaml, &arena);
	option_fill_release(arena);
	return o;
}

Test(call_options, nothing_is_given_up_nor_limited_unless_it_is_said)
{
	struct trial_options o = filled("{}");
	cr_expect_eq(o.calls.timeout_ns, 30000 * MS);
	cr_expect_eq(o.calls.retry.max_attempts, 0);
	cr_expect_eq(o.calls.retry.base_delay_ns, 100 * MS);
	cr_expect_eq(o.calls.retry.max_delay_ns, 30000 * MS);
	cr_expect_eq(o.calls.retry.jitter, JITTER_FULL);
	cr_expect_not(o.calls.breaker_given);
	cr_expect_not(o.calls.rate_limit_given);
	cr_expect_eq(o.calls.max_in_flight, 0);
	cr_expect_eq(o.batch.records, 1000);
	cr_expect_eq(o.batch.bytes, 1 << 20);
	cr_expect_eq(o.batch.interval_ns, 1000 * MS);
	cr_expect_eq(o.pool.max, 20);
}

Test(call_options, all_of_it_may_be_written)
{
	struct trial_options o =
	    filled("timeout: 5s\n"
		   "retry: {max_attempts: 5, base_delay: 10ms, max_delay: 1m, jitter: none}\n"
		   "circuit_breaker: {failure_threshold: 7, reset_timeout: 3s}\n"
		   "rate_limit: {rate: 1000/s, burst: 100, unit: bytes}\n"
		   "max_in_flight: 10\n"
		   "batch: {records: 10, bytes: 2MiB, interval: 0}\n"
		   "pool: {min: 1, max: 5, per_host: 30, idle_timeout: 5m}\n");
	cr_expect_eq(o.calls.timeout_ns, 5000 * MS);
	cr_expect_eq(o.calls.retry.max_attempts, 5);
	cr_expect_eq(o.calls.retry.base_delay_ns, 10 * MS);
	cr_expect_eq(o.calls.retry.max_delay_ns, 60000 * MS);
	cr_expect_eq(o.calls.retry.jitter, JITTER_NONE);
	cr_expect(o.calls.breaker_given);
	cr_expect_eq(o.calls.breaker.failure_threshold, 7);
	cr_expect_eq(o.calls.breaker.reset_timeout_ns, 3000 * MS);
	cr_expect(o.calls.rate_limit_given);
	cr_expect_eq(o.calls.rate_limit.rate, 1000);
	cr_expect_eq(o.calls.rate_limit.burst, 100);
	cr_expect_eq(o.calls.rate_limit.unit, RATE_BYTES);
	cr_expect_eq(o.calls.max_in_flight, 10);
	cr_expect_eq(o.batch.records, 10);
	cr_expect_eq(o.batch.bytes, 2 << 20);
	cr_expect_eq(o.batch.interval_ns, 0);
	cr_expect_eq(o.pool.min, 1);
	cr_expect_eq(o.pool.per_host, 30);
}

Test(call_options, short_forms_and_words_mean_what_they_say)
{
	struct trial_options o = filled("timeout: off\nretry: unlimited\ncircuit_breaker: 2\n"
					"rate_limit: 60/m\nmax_in_flight: unlimited\n");
	cr_expect_eq(o.calls.timeout_ns, 0);
	cr_expect_eq(o.calls.retry.max_attempts, 0);
	cr_expect_eq(o.calls.retry.base_delay_ns, 100 * MS);
	cr_expect(o.calls.breaker_given);
	cr_expect_eq(o.calls.breaker.failure_threshold, 2);
	cr_expect_eq(o.calls.breaker.reset_timeout_ns, 30000 * MS);
	cr_expect_eq(o.calls.rate_limit.rate, 1);
	cr_expect_eq(o.calls.rate_limit.burst, 0);
}

static void refused(const char *yaml, const char *problem)
{
	const char *text;
	cr_expect_eq(options_problems(table, sizeof(struct trial_options), check, yaml, &text), 1,
		     "%s: %s", yaml, text);
	cr_expect_str_eq(text, problem);
}

Test(call_options, what_makes_no_sense_is_refused)
{
	refused("retry: {max_attempts: 0}", "`max_attempts` is 0; write at least 1");
	refused("retry: {base_delay: 0}", "`base_delay` is 0; write at least 1ms");
	refused("circuit_breaker: {failure_threshold: 0}",
		"`failure_threshold` is 0; write at least 1");
	refused(
	    "rate_limit: {burst: 5}",
	    "the required option `rate` is missing; write `rate:` and a rate like 1000/s or 60/m");
	refused("max_in_flight: 0", "`max_in_flight` is 0; write at least 1");
	refused("timeout: 5", "`timeout` is 5 without a unit; add ns, us, ms, s, m, h or d");
	refused("pool: {min: 6, max: 5}", "`pool.min` is more than `pool.max`");
}

Test(call_options, a_delay_that_never_rises_is_warned_of)
{
	const char *text;
	cr_expect_eq(options_problems(table, sizeof(struct trial_options), check,
				      "retry: {base_delay: 1m}", &text),
		     0);
	cr_expect_str_eq(text, "`retry`: `base_delay` is longer than `max_delay`, which is the "
			       "ceiling from the first failure on");
}
