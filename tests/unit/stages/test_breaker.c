/* breaker: what leads from which state to which, and what is heard too late. */
#include "stages/policy/breaker.h"

#include <criterion/criterion.h>

enum { REST = 1000 };

static const struct breaker_options options = {.failure_threshold = 3, .reset_timeout_ns = REST};
static struct breaker b;

static void set_up(void)
{
	breaker_init(&b, &options, 0);
}

TestSuite(breaker, .init = set_up);

static uint64_t go(uint64_t now)
{
	uint64_t pass = UINT64_MAX, when = 0;
	cr_assert_eq(breaker_ask(&b, now, &pass, &when), BREAKER_GO);
	return pass;
}

static uint64_t wait(uint64_t now)
{
	uint64_t pass = 0, when = 0;
	cr_assert_eq(breaker_ask(&b, now, &pass, &when), BREAKER_WAIT);
	cr_expect(breaker_is_shut(&b, now));
	return when;
}

static void open_at(uint64_t now)
{
	for (int i = 0; i < 3; i++)
		breaker_failed(&b, go(now), now);
	cr_assert_eq(b.state, BREAKER_OPEN);
}

Test(breaker, closed_one_opens_at_the_last_of_so_many_failures_in_a_row)
{
	cr_expect_not(breaker_failed(&b, go(1), 1));
	cr_expect_not(breaker_failed(&b, go(2), 2));
	cr_expect_eq(b.state, BREAKER_CLOSED);
	cr_expect(breaker_failed(&b, go(3), 3));
	cr_expect_eq(b.state, BREAKER_OPEN);
	cr_expect_eq(b.opened_ns, 3);
}

Test(breaker, success_begins_the_count_anew)
{
	for (int i = 0; i < 10; i++) {
		cr_expect_not(breaker_failed(&b, go(1), 1));
		cr_expect_not(breaker_failed(&b, go(1), 1));
		cr_expect_not(breaker_succeeded(&b, go(1), 1));
	}
	cr_expect_eq(b.state, BREAKER_CLOSED);
}

Test(breaker, cancelled_attempt_counts_as_nothing)
{
	breaker_failed(&b, go(1), 1);
	breaker_failed(&b, go(1), 1);
	breaker_cancelled(&b, go(1));
	cr_expect_eq(b.failures, 2);
	cr_expect(breaker_failed(&b, go(1), 1));
}

Test(breaker, open_one_lets_nobody_through_until_it_has_rested)
{
	open_at(10);
	cr_expect_eq(wait(10), 10 + REST);
	cr_expect_eq(wait(10 + REST - 1), 10 + REST);
	go(10 + REST);
	cr_expect_eq(b.state, BREAKER_HALF_OPEN);
}

Test(breaker, half_open_one_lets_exactly_one_through)
{
	open_at(0);
	go(REST);
	for (uint64_t now = REST; now < 100 * REST; now += REST)
		cr_expect_eq(wait(now), UINT64_MAX);
}

Test(breaker, probe_that_succeeds_closes_it)
{
	open_at(0);
	cr_expect(breaker_succeeded(&b, go(REST), REST + 5));
	cr_expect_eq(b.state, BREAKER_CLOSED);
	cr_expect_not(breaker_failed(&b, go(REST + 6), REST + 6));
}

Test(breaker, probe_that_fails_opens_it_for_as_long_again)
{
	open_at(0);
	cr_expect(breaker_failed(&b, go(REST), REST + 5));
	cr_expect_eq(b.state, BREAKER_OPEN);
	cr_expect_eq(wait(REST + 6), 2 * REST + 5);
	cr_expect_eq(b.opened_ns, 0);
}

Test(breaker, probe_that_is_cancelled_leaves_its_place_to_the_next)
{
	open_at(0);
	breaker_cancelled(&b, go(REST));
	cr_expect_eq(b.state, BREAKER_HALF_OPEN);
	go(REST);
	wait(REST);
}

Test(breaker, what_is_heard_of_attempts_from_before_changes_nothing)
{
	uint64_t old = go(0);
	open_at(0);
	cr_expect_not(breaker_succeeded(&b, old, 1));
	cr_expect_not(breaker_failed(&b, old, 1));
	cr_expect_eq(b.state, BREAKER_OPEN);
	uint64_t probe = go(REST);
	cr_expect_not(breaker_succeeded(&b, old, REST));
	cr_expect_not(breaker_failed(&b, old, REST));
	breaker_cancelled(&b, old);
	wait(REST);
	cr_expect(breaker_succeeded(&b, probe, REST));
	cr_expect_not(breaker_failed(&b, old, REST));
	cr_expect_eq(b.failures, 0);
}

Test(breaker, moments_at_the_end_of_time_do_not_wrap)
{
	breaker_init(&b, &options, UINT64_MAX - 5);
	open_at(UINT64_MAX - 5);
	cr_expect_eq(wait(UINT64_MAX - 4), UINT64_MAX);
	cr_expect_eq(wait(3), UINT64_MAX);
}
