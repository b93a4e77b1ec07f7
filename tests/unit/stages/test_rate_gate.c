/* rate_gate: how much comes in, whatever the size of a read. */
#include "stages/policy/rate_gate.h"
#include "tests/unit/stages/seeded_world.h"

#include <criterion/criterion.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static struct seeded_world w;
static struct rate_gate t;
static struct counter held_ms;

static void set_up(void)
{
	seeded_world_init(&w, 1);
	held_ms = (struct counter){0};
}

TestSuite(rate_gate, .init = set_up);

static void limited(uint64_t rate, uint64_t burst, enum rate_unit unit)
{
	const struct rate_gate_options o = {.rate_limit = {rate, burst, unit},
					    .rate_limit_given = true};
	rate_gate_init(&t, &o, &w.env, &held_ms);
}

/* Whoever reads does so as soon as it may: how many records have come within that time. */
static uint64_t come_within(uint64_t duration_ns, uint64_t records_max)
{
	uint64_t records = 0;
	for (;;) {
		while (rate_gate_is_open(&t, &w.env)) {
			uint64_t n = 1 + sim_below(&w.random, records_max);
			rate_gate_charge(&t, &w.env, n, 10 * n);
			records += n;
		}
		if (w.wake_ns > duration_ns)
			return records;
		w.now_ns = w.wake_ns;
		w.wake_ns = UINT64_MAX;
	}
}

Test(rate_gate, a_thousand_a_second_come_and_the_burst_and_one_read_more)
{
	static const uint64_t sizes[] = {1, 30, 2500};
	for (size_t s = 0; s < 3; s++) {
		set_up();
		limited(1000, 100, RATE_RECORDS);
		uint64_t start_ns = w.now_ns, n = come_within(start_ns + 10 * SECOND, sizes[s]);
		cr_expect(n >= 10000 && n <= 10100 + sizes[s], "%ju records in reads of %ju",
			  (uintmax_t)n, (uintmax_t)sizes[s]);
	}
}

Test(rate_gate, how_long_it_was_shut_is_counted_once)
{
	limited(1000, 1, RATE_RECORDS);
	uint64_t start_ns = w.now_ns;
	come_within(start_ns + 10 * SECOND, 3);
	cr_expect_leq(counter_get(&held_ms), 10005);
	cr_expect_geq(counter_get(&held_ms), 9995);
}

Test(rate_gate, what_is_charged_while_it_is_shut_is_waited_for_as_well)
{
	limited(1000, 1, RATE_BYTES);
	uint64_t start_ns = w.now_ns;
	for (int times = 0; times < 3; times++)
		rate_gate_charge(&t, &w.env, 1, 1000);
	cr_expect_not(rate_gate_is_open(&t, &w.env));
	cr_expect_eq(w.wake_ns, start_ns + 3 * SECOND - MS);
	cr_expect_eq(counter_get(&held_ms), 2999);
	w.now_ns = w.wake_ns;
	cr_expect(rate_gate_is_open(&t, &w.env));
}

Test(rate_gate, without_a_limit_it_is_never_shut)
{
	rate_gate_init(&t, &(struct rate_gate_options){.rate_limit_given = false}, &w.env, NULL);
	rate_gate_charge(&t, &w.env, UINT64_MAX, UINT64_MAX);
	cr_expect(rate_gate_is_open(&t, &w.env));
	cr_expect_eq(w.wake_ns, UINT64_MAX);
}
