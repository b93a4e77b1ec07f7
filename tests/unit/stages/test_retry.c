/* retry: which delays there are, how they are spread, and that no arithmetic wraps. */
#include "stages/policy/retry.h"
#include "tests/sim/sim_random.h"

#include <criterion/criterion.h>

#define MS UINT64_C(1000000)

static const struct retry_options usual = {.base_delay_ns = 100 * MS, .max_delay_ns = 30000 * MS};

Test(retry, ceiling_doubles_with_each_failure_up_to_the_highest)
{
	static const uint64_t ms[] = {100,  200,   400,   800,   1600, 3200,
				      6400, 12800, 25600, 30000, 30000};
	for (uint64_t n = 1; n <= 11; n++)
		cr_expect_eq(retry_ceiling_ns(&usual, n), ms[n - 1] * MS);
}

Test(retry, ceiling_never_wraps)
{
	const struct retry_options all = {.base_delay_ns = 1, .max_delay_ns = UINT64_MAX};
	const struct retry_options odd = {.base_delay_ns = UINT64_MAX, .max_delay_ns = 5};
	const struct retry_options none = {0};
	uint64_t before = 0;
	for (uint64_t n = 1; n <= 300; n++) {
		cr_expect_geq(retry_ceiling_ns(&all, n), before);
		before = retry_ceiling_ns(&all, n);
		cr_expect_eq(retry_ceiling_ns(&odd, n), 5);
		cr_expect_eq(retry_ceiling_ns(&none, n), 0);
	}
	cr_expect_eq(retry_ceiling_ns(&all, 64), UINT64_C(1) << 63);
	cr_expect_eq(retry_ceiling_ns(&all, 65), UINT64_MAX);
	cr_expect_eq(retry_ceiling_ns(&all, UINT64_MAX), UINT64_MAX);
	cr_expect_eq(retry_delay_ns(&all, UINT64_MAX, UINT64_MAX), UINT64_MAX);
	cr_expect_eq(retry_delay_ns(&all, UINT64_MAX, 0), 0);
}

Test(retry, delay_may_be_nothing_and_may_be_the_ceiling)
{
	cr_expect_eq(retry_delay_ns(&usual, 3, 0), 0);
	cr_expect_eq(retry_delay_ns(&usual, 3, UINT64_MAX), 400 * MS);
}

Test(retry, without_jitter_the_delay_is_the_ceiling)
{
	struct retry_options o = usual;
	o.jitter = JITTER_NONE;
	cr_expect_eq(retry_delay_ns(&o, 4, 12345), 800 * MS);
}

/* Pearson's: of 100 classes with equal chances, 99 degrees of freedom; beyond 148.2 lies one case in a thousand. Seeds are
 * fixed, so that it either always passes or never does. */
static double chi_square(uint64_t failures, uint64_t seed)
{
	enum { CLASSES = 100, DRAWS = 100000 };
	unsigned seen[CLASSES] = {0};
	struct sim_random random = {.state = seed};
	uint64_t ceiling = retry_ceiling_ns(&usual, failures);
	for (int i = 0; i < DRAWS; i++) {
		uint64_t delay = retry_delay_ns(&usual, failures, sim_random_next(&random));
		cr_assert_leq(delay, ceiling);
		seen[delay * CLASSES / (ceiling + 1)]++;
	}
	double sum = 0, expected = (double)DRAWS / CLASSES;
	for (int i = 0; i < CLASSES; i++)
		sum += ((double)seen[i] - expected) * ((double)seen[i] - expected) / expected;
	return sum;
}

Test(retry, delays_are_spread_evenly_below_the_ceiling)
{
	for (uint64_t failures = 1; failures <= 12; failures++)
		cr_expect_lt(chi_square(failures, 1000 + failures), 148.2);
}

Test(retry, mean_and_variance_are_those_of_an_even_spread)
{
	enum { DRAWS = 200000 };
	struct sim_random random = {.state = 7};
	double sum = 0, squares = 0;
	for (int i = 0; i < DRAWS; i++) {
		double x =
		    (double)retry_delay_ns(&usual, 4, sim_random_next(&random)) / (800.0 * 1e6);
		sum += x;
		squares += x * x;
	}
	double mean = sum / DRAWS, variance = squares / DRAWS - mean * mean;
	cr_expect(mean > 0.498 && mean < 0.502, "mean %f", mean);
	cr_expect(variance > 0.0825 && variance < 0.0841, "variance %f, not 1/12", variance);
}

Test(retry, attempts_end_where_the_options_say_or_never)
{
	struct retry_options o = usual;
	cr_expect(retry_is_allowed(&o, UINT64_MAX));
	o.max_attempts = 3;
	cr_expect(retry_is_allowed(&o, 2));
	cr_expect_not(retry_is_allowed(&o, 3));
	o.max_attempts = 1;
	cr_expect_not(retry_is_allowed(&o, 1));
}
