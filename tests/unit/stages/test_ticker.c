/* When it is time again: stages/ticker. */
#include "stages/ticker.h"
#include "stages/time/calendar.h"
#include "tests/unit/stages/faulty_env.h"

#include <criterion/criterion.h>
#include <string.h>

#define S UINT64_C(1000000000)

struct clocks {
	struct faulty_env env; /* its wall clock says 2026-11-21T10:15:00Z, on a minute */
	struct cron cron;
	struct ticker ticker;
	uint64_t taken, skipped;
	struct tick last;
};

static const struct zone utc;

static void begin(struct clocks *c, uint64_t every_ns, const char *cron, uint64_t jitter_ns)
{
	const char *wrong;
	size_t at;
	memset(c, 0, sizeof *c);
	faulty_env_init(&c->env, 3);
	if (cron)
		cr_assert_eq(cron_parse(&c->cron, cron, strlen(cron), &wrong, &at), 0);
	ticker_init(
	    &c->ticker, &c->env.env,
	    &(struct ticker_options){
		.every_ns = every_ns, .jitter_ns = jitter_ns, .cron = &c->cron, .zone = &utc});
}

/* After so long: one is due, or it is not. */
static bool ticks(struct clocks *c, uint64_t after_ns)
{
	faulty_env_pass(&c->env, after_ns);
	c->env.wake_ns = 0;
	if (!ticker_take(&c->ticker, &c->last))
		return false;
	c->taken++;
	c->skipped += c->last.skipped;
	return true;
}

Test(ticker, every_so_long_it_is_time_from_the_beginning_on)
{
	struct clocks c;
	begin(&c, 10 * S, NULL, 0);
	uint64_t from = c.env.now_ns;
	cr_expect(ticks(&c, 0), "at once");
	cr_expect_eq(c.last.wall_ns, c.env.wall_ns);
	cr_expect_not(ticks(&c, 0));
	cr_expect_eq(c.env.wake_ns, from + 10 * S);
	cr_expect_not(ticks(&c, 10 * S - 1));
	cr_expect(ticks(&c, 3), "a little late");
	cr_expect_eq(c.last.wall_ns, c.env.wall_ns - 2);
	cr_expect_not(ticks(&c, 0));
	cr_expect_eq(c.env.wake_ns, from + 20 * S, "no lateness adds up");
}

Test(ticker, one_that_is_late_comes_once_and_the_others_are_skipped)
{
	struct clocks c;
	begin(&c, 10 * S, NULL, 0);
	cr_expect(ticks(&c, 0));
	cr_expect(ticks(&c, 35 * S));
	cr_expect_eq(c.last.skipped, 2);
	cr_expect_eq(c.last.wall_ns, c.env.wall_ns - (int64_t)(5 * S));
	cr_expect_not(ticks(&c, 4 * S));
	cr_expect(ticks(&c, S));
	cr_expect_eq(c.last.skipped, 0);
}

Test(ticker, every_so_long_does_not_care_for_the_wall_clock)
{
	struct clocks c;
	begin(&c, 10 * S, NULL, 0);
	cr_expect(ticks(&c, 0));
	c.env.wall_ns += INT64_C(100000) * SECOND_NS;
	cr_expect_not(ticks(&c, 9 * S));
	cr_expect(ticks(&c, S));
	cr_expect_eq(c.last.skipped, 0);
	cr_expect_eq(faulty_env_said(&c.env, "clock was set, the schedule goes on from there"), 0);
}

Test(ticker, cron_goes_by_the_wall_clock)
{
	struct clocks c;
	begin(&c, 0, "*/5 * * * *", 0);
	int64_t from = c.env.wall_ns;
	cr_expect_not(ticks(&c, 0), "the moment itself has passed");
	cr_expect_eq(c.env.wake_ns, c.env.now_ns + 10 * S, "it looks at the clock meanwhile");
	cr_expect_not(ticks(&c, 299 * S));
	cr_expect_eq(c.env.wake_ns, c.env.now_ns + S);
	cr_expect(ticks(&c, S));
	cr_expect_eq(c.last.wall_ns, from + 300 * SECOND_NS);
	cr_expect(ticks(&c, 1000 * S), "late");
	cr_expect_eq(c.last.skipped, 2);
	cr_expect_eq(c.last.wall_ns, from + 1200 * SECOND_NS);
}

Test(ticker, a_clock_that_is_set_by_a_little_repeats_nothing_and_misses_one_at_most)
{
	struct clocks c;
	begin(&c, 0, "* * * * *", 0);
	cr_expect(ticks(&c, 60 * S));
	c.env.wall_ns -= 1800 * SECOND_NS;
	for (int i = 0; i < 30; i++)
		cr_expect_not(ticks(&c, 60 * S), "it came already");
	cr_expect(ticks(&c, 60 * S));
	c.env.wall_ns += 1800 * SECOND_NS;
	cr_expect(ticks(&c, S));
	cr_expect_eq(c.last.skipped, 29);
	cr_expect_not(ticks(&c, S));
	cr_expect_eq(faulty_env_said(&c.env, "clock was set, the schedule goes on from there"), 0);
}

Test(ticker, a_clock_that_is_set_by_much_is_believed_and_said)
{
	struct clocks c;
	begin(&c, 0, "* * * * *", 0);
	cr_expect(ticks(&c, 60 * S));
	c.env.wall_ns -= 90000 * SECOND_NS;
	cr_expect_not(ticks(&c, S));
	cr_expect(ticks(&c, 60 * S), "it goes on from there");
	c.env.wall_ns += 900000 * SECOND_NS;
	cr_expect_not(ticks(&c, S), "nor is anything made up for");
	cr_expect(ticks(&c, 60 * S));
	cr_expect_eq(c.skipped, 0);
	cr_expect_eq(faulty_env_said(&c.env, "clock was set, the schedule goes on from there"), 2);
}

Test(ticker, jitter_puts_each_off_by_chance_and_no_two_nearer)
{
	struct clocks c;
	begin(&c, 10 * S, NULL, 5 * S);
	int64_t due = c.env.wall_ns;
	uint64_t least = UINT64_MAX, most = 0;
	for (int i = 0; i < 500; i++, due += (int64_t)(10 * S)) {
		while (!ticks(&c, S / 100))
			continue;
		uint64_t late = (uint64_t)(c.env.wall_ns - due);
		cr_assert_eq(c.last.wall_ns, due, "its time is when it was due");
		cr_assert_leq(late, 5 * S + S / 100);
		least = late < least ? late : least;
		most = late > most ? late : most;
	}
	cr_expect_lt(least, S / 4);
	cr_expect_gt(most, 5 * S - S / 4);
	cr_expect_eq(c.skipped, 0);
	begin(&c, 0, "* * * * *", 5 * S);
	for (int i = 0; i < 6100; i++)
		ticks(&c, S / 10);
	cr_expect_eq(c.taken, 10);
	cr_expect_eq(c.skipped, 0);
}

Test(ticker, what_never_comes_again_asks_for_no_moment)
{
	struct clocks c;
	begin(&c, 0, "0 0 1 1 *", 0);
	c.ticker.due_wall_s = INT64_MAX; /* as at the end of time */
	cr_expect_not(ticks(&c, S));
	cr_expect_eq(c.env.wake_ns, 0);
}
