/* rate_limit: how much goes through, of which unit, and what is larger than the bucket. */
#include "stages/policy/rate_limit.h"
#include "tests/sim/sim_random.h"

#include <criterion/criterion.h>

static const uint64_t second = 1000000000;

static struct rate_limit made(uint64_t rate, uint64_t burst, enum rate_unit unit)
{
	struct rate_limit l;
	rate_limit_init(&l, &(struct rate_limit_options){rate, burst, unit}, 0);
	return l;
}

/* Whoever comes waits for his turn, then the next one comes: how many records have begun within that time. */
static uint64_t pass_for(struct rate_limit *l, uint64_t duration_ns, struct sim_random *random,
			 uint64_t records_max)
{
	uint64_t records = 0;
	for (uint64_t now = 0;;) {
		uint64_t n = 1 + sim_below(random, records_max);
		now = rate_limit_take(l, n, 0, now);
		if (now > duration_ns)
			return records;
		records += n;
	}
}

Test(rate_limit, a_thousand_a_second_is_that_within_two_percent_over_ten_seconds)
{
	static const uint64_t sizes[] = {1, 3, 100};
	for (size_t i = 0; i < 3; i++) {
		struct rate_limit l = made(1000, 1, RATE_RECORDS);
		struct sim_random random = {.state = 1 + i};
		uint64_t n = pass_for(&l, 10 * second, &random, sizes[i]);
		cr_expect(n >= 9800 && n <= 10200, "%lu records", n);
	}
}

Test(rate_limit, burst_goes_at_once_and_is_a_seconds_worth_unless_it_is_said)
{
	struct rate_limit l = made(100, 20, RATE_OPERATIONS), whole = made(100, 0, RATE_OPERATIONS);
	for (int i = 0; i < 20; i++)
		cr_expect_eq(rate_limit_take(&l, 0, 0, 5), 5);
	cr_expect_eq(rate_limit_take(&l, 0, 0, 5), 5 + second / 100);
	for (int i = 0; i < 100; i++)
		cr_expect_eq(rate_limit_take(&whole, 0, 0, 5), 5);
	cr_expect_eq(rate_limit_take(&whole, 0, 0, 5), 5 + second / 100);
}

Test(rate_limit, unit_says_what_is_counted)
{
	struct rate_limit records = made(10, 10, RATE_RECORDS), bytes = made(10, 10, RATE_BYTES),
			  operations = made(10, 10, RATE_OPERATIONS);
	cr_expect_eq(rate_limit_take(&records, 20, 1000, 0), second);
	cr_expect_eq(rate_limit_take(&bytes, 1000, 20, 0), second);
	cr_expect_eq(rate_limit_take(&operations, 1000, 1000, 0), 0);
}

Test(rate_limit, what_is_larger_than_the_bucket_goes_when_all_of_it_has_come)
{
	struct rate_limit l = made(100, 10, RATE_RECORDS);
	cr_expect_eq(rate_limit_take(&l, 60, 0, 0), second / 2);
	cr_expect_eq(rate_limit_take(&l, 1, 0, 0), second / 2 + second / 100);
	cr_expect_eq(rate_limit_take(&l, 0, 0, 0), second / 2 + second / 100);
}

Test(rate_limit, nobody_overtakes)
{
	struct rate_limit l = made(7, 3, RATE_RECORDS);
	struct sim_random random = {.state = 5};
	uint64_t now = 0, last = 0;
	for (int i = 0; i < 10000; i++) {
		uint64_t at = rate_limit_take(&l, sim_below(&random, 10), 0, now);
		cr_assert_geq(at, last);
		cr_assert_geq(at, now);
		last = at;
		now += sim_below(&random, second);
	}
}

Test(rate_limit, never_more_than_rate_times_time_and_burst_has_begun)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct sim_random random = {.state = seed};
		uint64_t rate = 1 + sim_below(&random, 5000), burst = 1 + sim_below(&random, 300);
		struct rate_limit l = made(rate, burst, RATE_RECORDS);
		uint64_t now = 0, begun = 0;
		for (int i = 0; i < 500; i++) {
			uint64_t n = sim_below(&random, 3 * burst);
			uint64_t at = rate_limit_take(&l, n, 0, now);
			begun += n;
			cr_assert_leq((double)begun,
				      (double)burst + (double)rate * (double)at / 1e9 + 1e-3,
				      "seed %lu", seed);
			now += sim_below(&random, second / 50);
		}
	}
}

Test(rate_limit, absurd_amounts_wait_for_ever_and_nothing_wraps)
{
	struct rate_limit l = made(1, 1, RATE_BYTES);
	cr_expect_eq(rate_limit_take(&l, 0, UINT64_MAX, 1), UINT64_MAX);
	cr_expect_eq(rate_limit_take(&l, 0, UINT64_MAX, 2), UINT64_MAX);
	cr_expect_eq(rate_limit_take(&l, 0, 1, 3), UINT64_MAX);
	struct rate_limit fast = made(TOKEN_RATE_MAX, TOKEN_RATE_MAX, RATE_BYTES);
	cr_expect_eq(rate_limit_take(&fast, 0, UINT64_MAX, UINT64_MAX - 1), UINT64_MAX);
}
