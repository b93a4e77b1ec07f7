#include "stages/sketch.h"
#include "stages/tally.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct sketch sketch, other;

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double uniform(void)
{
	return ((double)rand() + 0.5) / ((double)RAND_MAX + 1);
}

/* Over about seven decades but few bins; either sign; whole; all the same. */
static double some_number(unsigned kind)
{
	switch (kind) {
	case 0:
		return exp(uniform() * 9);
	case 1:
		return (uniform() - 0.5) * 1e3;
	case 2:
		return rand() % 100;
	default:
		return -7.25;
	}
}

Test(sketch, each_quantile_is_within_a_hundredth_of_the_number_of_that_rank)
{
	enum { COUNT = 20000 };
	static double numbers[COUNT];
	for (unsigned kind = 0; kind < 4; kind++) {
		srand(kind);
		sketch.used = 0;
		for (int i = 0; i < COUNT; i++)
			sketch_add(&sketch, numbers[i] = some_number(kind));
		qsort(numbers, COUNT, sizeof *numbers, by_size);
		for (int q = 0; q <= 1000; q++) {
			double exact = numbers[(int)floor(q / 1000.0 * (COUNT - 1))];
			double got = sketch_quantile(&sketch, COUNT, q / 1000.0);
			/* so near 0 there are no bins left */
			double slack = kind == 1 && fabs(exact) < 5 ? 5 : 0;
			cr_assert_leq(fabs(got - exact), 0.0100001 * fabs(exact) + slack,
				      "kind %u, q %d: %g for %g", kind, q, got, exact);
		}
	}
}

Test(sketch, when_all_bins_are_used_it_is_the_smallest_numbers_that_are_lost)
{
	uint64_t count = 0;
	sketch.used = 0;
	for (double x = 1; x < 1e8; x *= 1.01, count++)
		sketch_add(&sketch, x);
	cr_assert_eq(sketch.used, SKETCH_BINS);
	for (int q = 60; q <= 100; q++) {
		double exact = pow(1.01, floor(q / 100.0 * (double)(count - 1)));
		double got = sketch_quantile(&sketch, count, q / 100.0);
		cr_assert_leq(fabs(got - exact), 0.0100001 * exact, "%d: %g for %g", q, got, exact);
	}
	cr_assert_gt(sketch_quantile(&sketch, count, 0), 1);
}

Test(sketch, the_largest_and_the_smallest_doubles_have_bins)
{
	static const double numbers[] = {
	    -1.7976931348623157e308, -1, -5e-324, 0, -0.0, 5e-324, 2.2250738585072014e-308, 1,
	    1.7976931348623157e308};
	enum { COUNT = sizeof numbers / sizeof *numbers };
	sketch.used = 0;
	for (int i = 0; i < COUNT; i++)
		sketch_add(&sketch, numbers[i]);
	cr_assert_eq(sketch.used, 8, "the zeros are one");
	cr_assert_eq(sketch_quantile(&sketch, COUNT, 0.5), 0);
	cr_assert_lt(sketch_quantile(&sketch, COUNT, 0), -1e307);
}

Test(sketch, a_bin_that_is_full_gets_another_beside_it)
{
	sketch.used = 0;
	sketch_add(&sketch, 10);
	sketch_add(&sketch, 20);
	sketch.bins[0].count = UINT32_MAX;
	sketch_add(&sketch, 10);
	sketch_add(&sketch, 10);
	cr_assert_eq(sketch.used, 3);
	cr_assert_eq(sketch.bins[0].at, sketch.bins[1].at);
	uint64_t count = (uint64_t)UINT32_MAX + 3;
	cr_assert_leq(fabs(sketch_quantile(&sketch, count, 0.5) - 10), 0.1001);
	cr_assert_leq(fabs(sketch_quantile(&sketch, count, 1) - 20), 0.2001);
}

Test(sketch, taken_to_bytes_and_back_it_is_the_same_and_bytes_cut_short_are_none)
{
	struct packer p = {.bytes = NULL};
	sketch.used = 0;
	srand(5);
	for (int i = 0; i < 5000; i++)
		sketch_add(&sketch, some_number(1));
	sketch_pack(&sketch, &p);
	struct packed whole = packed_from(p.bytes, p.length);
	cr_assert(sketch_unpack(&other, &whole) && packed_is_whole(&whole));
	cr_assert_eq(other.used, sketch.used);
	cr_assert_eq(memcmp(other.bins, sketch.bins, sketch.used * sizeof *sketch.bins), 0);
	for (size_t length = 0; length < p.length; length++) {
		struct packed part = packed_from(p.bytes, length);
		cr_assert(!sketch_unpack(&other, &part), "%zu", length);
	}
	packer_release(&p);
}

Test(sketch, more_bins_than_there_are_and_places_beyond_all_are_refused)
{
	static const uint8_t too_many[] = {0x81, 0x04}, /* 513 */
	    too_far[] = {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1},
			     empty[] = {1, 5, 0};
	struct packed p = packed_from(too_many, sizeof too_many);
	cr_assert(!sketch_unpack(&other, &p));
	p = packed_from(too_far, sizeof too_far);
	cr_assert(!sketch_unpack(&other, &p));
	p = packed_from(empty, sizeof empty);
	cr_assert(!sketch_unpack(&other, &p), "a bin in which nothing counts");
}

/* ---- tallies ---- */

static struct tally tally;

static void add_whole(int64_t i)
{
	tally_add(&tally, NULL, &(struct value){.i = i, .type = VALUE_INT});
}

static void add_large(uint64_t u)
{
	tally_add(&tally, NULL, &(struct value){.u = u, .type = VALUE_UINT});
}

static void add_real(double d)
{
	tally_add(&tally, NULL, &(struct value){.d = d, .type = VALUE_DOUBLE});
}

Test(tally, whole_numbers_are_added_exactly_as_far_as_64_bits_go)
{
	for (int i = 0; i < 1000; i++)
		add_whole(INT64_MAX);
	for (int i = 0; i < 1000; i++)
		add_whole(-INT64_MAX);
	add_whole(5);
	struct value sum = tally_sum(&tally);
	cr_assert(sum.type == VALUE_INT && sum.i == 5);
	add_large(UINT64_MAX - 5);
	sum = tally_sum(&tally);
	cr_assert(sum.type == VALUE_UINT && sum.u == UINT64_MAX);
	add_whole(1);
	sum = tally_sum(&tally);
	cr_assert(sum.type == VALUE_DOUBLE && sum.d == 0x1p64);
}

Test(tally, what_rounding_takes_is_not_lost)
{
	add_real(1e100);
	for (int i = 0; i < 1000; i++)
		add_real(0.125);
	add_real(-1e100);
	cr_assert_eq(tally_sum(&tally).d, 125);
	cr_assert_eq(tally_mean(&tally).d, 125 / 1002.0);
}

Test(tally, a_sum_beyond_all_doubles_is_infinite_and_no_nan)
{
	add_real(1.7e308);
	add_real(1.7e308);
	cr_assert(isinf(tally_sum(&tally).d));
}

Test(tally, the_least_and_the_most_are_told_apart_where_doubles_can_not)
{
	add_large(UINT64_MAX);
	add_real(0x1p64);
	add_large(UINT64_MAX - 1);
	cr_assert_eq(tally_least(&tally).u, UINT64_MAX - 1);
	cr_assert_eq(tally_most(&tally).type, VALUE_DOUBLE);
	add_whole(INT64_MIN);
	cr_assert_eq(tally_least(&tally).i, INT64_MIN);
}

Test(tally, of_nothing_all_but_the_sum_is_null)
{
	cr_assert(tally_sum(&tally).type == VALUE_INT && tally_sum(&tally).i == 0);
	cr_assert_eq(tally_mean(&tally).type, VALUE_NULL);
	cr_assert_eq(tally_least(&tally).type, VALUE_NULL);
	cr_assert_eq(tally_most(&tally).type, VALUE_NULL);
	cr_assert_eq(tally_quantile(&tally, &sketch, 0.5).type, VALUE_NULL);
}

Test(tally, quantiles_do_not_go_beyond_what_was_there)
{
	const struct value hundred = {.i = 100, .type = VALUE_INT};
	for (int i = 0; i < 3; i++)
		tally_add(&tally, &sketch, &hundred);
	cr_assert_eq(tally_quantile(&tally, &sketch, 0.5).i, 100);
	cr_assert_eq(tally_quantile(&tally, &sketch, 0.5).type, VALUE_INT);
}

Test(tally, only_finite_numbers_are_taken)
{
	static const struct {
		struct value value;
		const char *why;
	} cases[] = {
	    {{.type = VALUE_STRING}, "not a number"},
	    {{.type = VALUE_BOOL, .b = true}, "not a number"},
	    {{.type = VALUE_ERROR, .why = "x"}, "x"},
	    {{.type = VALUE_DOUBLE, .d = INFINITY}, "not a finite number"},
	    {{.type = VALUE_DOUBLE, .d = NAN}, "not a finite number"},
	    {{.type = VALUE_DOUBLE,
	      .form = VALUE_DIGITS,
	      .bytes = (const uint8_t *)"1e999",
	      .length = 5},
	     "number out of range"},
	    {{.type = VALUE_DOUBLE,
	      .form = VALUE_DIGITS,
	      .bytes = (const uint8_t *)"1e3",
	      .length = 3},
	     NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct value v = cases[i].value;
		const char *why = tally_number(&v);
		cr_assert(why == cases[i].why || (why && strcmp(why, cases[i].why) == 0), "%zu", i);
	}
}

Test(tally, taken_to_bytes_and_back_it_goes_on_alike)
{
	struct packer p = {.bytes = NULL};
	struct tally back;
	add_whole(-7);
	add_real(0.1);
	add_real(1e20);
	add_large(UINT64_MAX);
	tally_pack(&tally, &p);
	for (size_t length = 0; length < p.length; length++) {
		struct packed part = packed_from(p.bytes, length);
		cr_assert(!tally_unpack(&back, &part), "%zu", length);
	}
	struct packed whole = packed_from(p.bytes, p.length);
	cr_assert(tally_unpack(&back, &whole) && packed_is_whole(&whole));
	cr_assert(back.whole == tally.whole && back.real == tally.real && back.lost == tally.lost);
	cr_assert(back.count == 4 && back.reals == 2);
	cr_assert(back.least.i == -7 && back.most.d == 1e20);
	packer_release(&p);
}
