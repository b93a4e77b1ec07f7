#include "stages/token_bucket.h"

#include <criterion/criterion.h>

static const uint64_t second = UINT64_C(1000000000);

/* How many can be taken at that moment. */
static unsigned take_all(struct token_bucket *b, const struct token_rate *rate, uint64_t now_ns)
{
	unsigned n = 0;
	while (n < 100000 && token_bucket_take(b, rate, now_ns))
		n++;
	return n;
}

Test(token_bucket, new_bucket_is_full_and_holds_no_more_than_burst)
{
	const struct token_rate rate = {10, 5};
	struct token_bucket b;
	token_bucket_init(&b, &rate, 7);
	cr_expect_eq(take_all(&b, &rate, 7), 5);
	cr_expect_eq(take_all(&b, &rate, 7 + 100 * second), 5);
	cr_expect_eq(take_all(&b, &rate, UINT64_MAX), 5);
}

Test(token_bucket, tokens_come_at_the_rate_to_the_nanosecond)
{
	const struct token_rate rate = {3, 1000};
	struct token_bucket b;
	token_bucket_init(&b, &rate, 0);
	take_all(&b, &rate, 0);
	cr_expect_eq(take_all(&b, &rate, second / 3), 0);
	cr_expect_eq(take_all(&b, &rate, second / 3 + 1), 1);
	cr_expect_eq(take_all(&b, &rate, second), 2);
	cr_expect_eq(take_all(&b, &rate, 100 * second), 297);
}

Test(token_bucket, nothing_is_rounded_away_however_often_it_is_asked)
{
	const struct token_rate rate = {7, 1000};
	struct token_bucket b;
	unsigned taken = 0;
	token_bucket_init(&b, &rate, 0);
	take_all(&b, &rate, 0);
	for (uint64_t now = 1; now <= 10 * second; now += 99991)
		taken += token_bucket_take(&b, &rate, now);
	cr_expect_eq(taken, 69);
	cr_expect_eq(take_all(&b, &rate, 10 * second), 1);
}

Test(token_bucket, time_that_goes_back_gives_nothing)
{
	const struct token_rate rate = {1000, 10};
	struct token_bucket b;
	token_bucket_init(&b, &rate, 50 * second);
	take_all(&b, &rate, 50 * second);
	cr_expect_eq(take_all(&b, &rate, 40 * second), 0);
	cr_expect_eq(take_all(&b, &rate, 50 * second), 0);
}

Test(token_bucket, largest_rate_and_burst_do_not_overflow)
{
	const struct token_rate rate = {TOKEN_RATE_MAX, TOKEN_RATE_MAX};
	struct token_bucket b;
	token_bucket_init(&b, &rate, 0);
	cr_expect_eq(take_all(&b, &rate, UINT64_MAX), 100000);
	cr_expect_eq(token_bucket_ready_ns(&b, &rate, UINT64_MAX, 1), UINT64_MAX);
}

Test(token_bucket, moment_at_which_so_many_are_there_is_told)
{
	const struct token_rate rate = {3, 4};
	struct token_bucket b;
	token_bucket_init(&b, &rate, 5);
	cr_expect_eq(token_bucket_ready_ns(&b, &rate, 5, 4), 5);
	take_all(&b, &rate, 5);
	uint64_t one = token_bucket_ready_ns(&b, &rate, 5, 1);
	cr_expect_eq(one, 5 + second / 3 + 1);
	cr_expect_eq(token_bucket_ready_ns(&b, &rate, 5, 100), 5 + 4 * second / 3 + 1);
	cr_expect_not(token_bucket_take(&b, &rate, one - 1));
	cr_expect(token_bucket_take(&b, &rate, one));
}
