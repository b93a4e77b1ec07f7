/* test_supervision.c - how many restarts there may be, within which time, and after which delays. */
#include "daemon/backend.h"
#include "daemon/signals.h"
#include "daemon/supervision.h"
#include "tests/sim/sim_random.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

static struct supervision s;
static struct supervision_restart restart;

static void follow(uint64_t max_restarts, uint64_t within_s)
{
	const struct topology t = {.supervision = {.strategy = ISOLATE,
						   .max_restarts = max_restarts,
						   .within_ns = within_s * SECOND}};
	supervision_follow(&s, &t);
}

static void set_up(void)
{
	supervision_init(&s);
	follow(3, 60);
}

static void tear_down(void)
{
	supervision_release(&s);
}

TestSuite(supervision, .init = set_up, .fini = tear_down);

static bool allows(uint64_t second)
{
	return supervision_allows(&s, second * SECOND, UINT64_MAX, &restart);
}

Test(supervision, so_many_restarts_are_allowed_and_no_more)
{
	for (uint64_t n = 1; n <= 3; n++) {
		cr_expect(allows(100 + n));
		cr_expect_eq(restart.number, n);
	}
	cr_expect_not(allows(104));
	cr_expect_not(allows(105));
}

Test(supervision, restart_counts_for_as_long_as_the_window)
{
	cr_expect(allows(100));
	cr_expect(allows(130));
	cr_expect(allows(150));
	cr_expect_not(allows(159));
	cr_expect(allows(160), "the first is a minute old");
	cr_expect_not(allows(189));
	cr_expect(allows(190));
}

Test(supervision, one_that_was_refused_does_not_count)
{
	for (uint64_t at = 100; at < 103; at++)
		cr_expect(allows(at));
	for (uint64_t at = 103; at < 160; at++)
		cr_expect_not(allows(at));
	cr_expect(allows(160));
}

/* Workers that fail side by side each look at the clock before they ask. */
Test(supervision, one_that_looked_at_the_clock_before_another_forgets_nothing)
{
	cr_expect(allows(101));
	cr_expect(allows(100));
	cr_expect_eq(restart.number, 2);
	cr_expect(allows(101));
	cr_expect_not(allows(102));
}

Test(supervision, without_restarts_none_is_allowed)
{
	follow(0, 60);
	cr_expect_not(allows(1));
}

Test(supervision, ceiling_of_the_delay_doubles_and_falls_again_with_time)
{
	static const uint64_t ms[] = {100,  200,   400,   800,   1600, 3200,
				      6400, 12800, 25600, 30000, 30000};
	follow(RESTARTS_MAX, 3600);
	for (size_t i = 0; i < 11; i++) {
		cr_expect(allows(1000));
		cr_expect_eq(restart.delay_ns, ms[i] * 1000000);
	}
	cr_expect(allows(1000 + 3600));
	cr_expect_eq(restart.delay_ns, 100000000);
	cr_expect(supervision_allows(&s, 4600 * SECOND, 0, &restart));
	cr_expect_eq(restart.delay_ns, 0);
}

Test(supervision, next_topology_has_the_restarts_that_there_were)
{
	cr_expect(allows(100));
	cr_expect(allows(100));
	follow(2, 60);
	cr_expect_not(allows(101));
	follow(3, 60);
	cr_expect(allows(102));
}

/* Against a list of all there were. */
Test(supervision, in_no_window_are_there_ever_more)
{
	struct sim_random random = {.state = 3};
	static uint64_t given[20000];
	size_t count = 0;
	uint64_t now = 1000;
	follow(7, 60);
	for (int i = 0; i < 20000; i++) {
		now += sim_below(&random, 12);
		size_t recent = 0;
		for (size_t k = count; k-- > 0 && now - given[k] < 60;)
			recent++;
		bool allowed = allows(now);
		cr_assert_eq(allowed, recent < 7);
		if (allowed)
			given[count++] = now;
	}
	cr_expect_gt(count, 1000);
}

Test(supervision, largest_number_fits)
{
	follow(RESTARTS_MAX, 60);
	for (int i = 0; i < RESTARTS_MAX; i++)
		cr_assert(allows(10));
	cr_expect_not(allows(10));
	cr_expect(allows(70));
}

static enum supervision_wake wait_with(int number, uint64_t *ret_waited_ns)
{
	const struct notify nobody = {.socket = -1};
	int signals = signals_open();
	cr_assert_geq(signals, 0);
	if (number)
		cr_assert_eq(kill(getpid(), number), 0);
	uint64_t before = backend_now_ns();
	enum supervision_wake wake =
	    supervision_wait(signals, &nobody, number ? 600 * SECOND : 20000000);
	*ret_waited_ns = backend_now_ns() - before;
	close(signals);
	return wake;
}

Test(supervision, delay_is_waited_for)
{
	uint64_t waited;
	cr_expect_eq(wait_with(0, &waited), SUPERVISION_GO);
	cr_expect_geq(waited, 20000000);
}

Test(supervision, signal_ends_the_wait)
{
	uint64_t waited;
	cr_expect_eq(wait_with(SIGTERM, &waited), SUPERVISION_ENDED);
	cr_expect_lt(waited, 500 * SECOND);
}

Test(supervision, hangup_ends_the_wait_for_another_topology)
{
	uint64_t waited;
	cr_expect_eq(wait_with(SIGHUP, &waited), SUPERVISION_HUNG_UP);
	cr_expect_lt(waited, 500 * SECOND);
}
