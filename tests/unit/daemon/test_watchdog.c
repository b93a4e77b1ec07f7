/* test_watchdog.c - who moves, who has reason to wait, and who is stuck. */
#include "daemon/watchdog.h"

#include <criterion/criterion.h>

enum { LIMIT_NS = 1000, LOOK_NS = LIMIT_NS / 2 };

/* A pipeline of one thread with one worker between two queues; nothing of it runs but the looks. */
static struct edge edges[2];
static struct in_edge in = {.edge = &edges[0]};
static struct out_edge out = {.edge = &edges[1]};
static struct worker worker = {
    .in_edges = &in, .in_edge_count = 1, .out_edges = &out, .out_edge_count = 1};
static struct worker *workers[] = {&worker};
static struct runner runner = {.name = "kept", .workers = workers, .worker_count = 1};
static struct pipeline pipeline = {.runners = &runner, .runner_count = 1};
static struct watchdog dog;
static uint64_t now_ns;

static void set_up(void)
{
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(queue_init(&edges[i].queue, 1, QUEUE_SPSC), 0);
		barrier_init(&edges[i].barrier);
	}
	cr_assert_eq(watchdog_begin(&dog, &pipeline, LIMIT_NS, now_ns), 0);
}

static void tear_down(void)
{
	watchdog_end(&dog);
	for (size_t i = 0; i < 2; i++)
		queue_release(&edges[i].queue);
}

TestSuite(watchdog, .init = set_up, .fini = tear_down);

static void sleep_for(enum wait waits)
{
	counter_set(&runner.shown_phase, RUNNER_ASLEEP);
	counter_set(&worker.shown_waits, waits);
}

static void put_one(struct edge *e)
{
	static int item;
	cr_assert_eq(queue_try_put(&e->queue, &item), 0);
}

static const char *look(void)
{
	cr_assert_eq(watchdog_next_ns(&dog), now_ns + LOOK_NS);
	now_ns += LOOK_NS;
	return watchdog_look(&dog, &pipeline, now_ns);
}

Test(watchdog, a_thread_that_goes_round_moves)
{
	counter_set(&runner.shown_phase, RUNNER_AWAKE);
	for (uint64_t turn = 1; turn < 5; turn++) {
		counter_set(&runner.shown_turns, turn);
		cr_expect_null(look());
	}
}

Test(watchdog, a_thread_in_one_step_for_longer_is_stuck)
{
	counter_set(&runner.shown_phase, RUNNER_AWAKE);
	counter_set(&runner.shown_turns, 7);
	cr_expect_null(look());
	cr_expect_str_eq(look(), "kept");
	counter_set(&runner.shown_turns, 8);
	cr_expect_null(look());
}

Test(watchdog, waiting_for_what_is_not_there_is_reason_enough)
{
	sleep_for(WAITS_INPUT);
	for (int i = 0; i < 5; i++)
		cr_expect_null(look());
	put_one(&edges[1]);
	sleep_for(WAITS_ROOM);
	for (int i = 0; i < 5; i++)
		cr_expect_null(look());
	sleep_for(WAITS_OTHER);
	for (int i = 0; i < 5; i++)
		cr_expect_null(look());
}

Test(watchdog, sleeping_beside_its_input_is_stuck_at_the_second_look)
{
	sleep_for(WAITS_INPUT);
	put_one(&edges[0]);
	cr_expect_null(look());
	cr_expect_str_eq(look(), "kept");
}

Test(watchdog, what_lies_behind_a_barrier_is_no_input_yet)
{
	sleep_for(WAITS_INPUT);
	put_one(&edges[0]);
	barrier_raise(&edges[0].barrier, 0, 1);
	for (int i = 0; i < 5; i++)
		cr_expect_null(look());
}

Test(watchdog, sleeping_for_room_that_is_there_is_stuck_at_the_second_look)
{
	sleep_for(WAITS_ROOM);
	cr_expect_null(look());
	cr_expect_str_eq(look(), "kept");
}

Test(watchdog, a_thread_that_is_through_is_not_stuck)
{
	counter_set(&runner.shown_phase, RUNNER_THROUGH);
	for (int i = 0; i < 3; i++)
		cr_expect_null(look());
}

Test(watchdog, without_a_limit_there_is_no_look)
{
	struct watchdog none;
	cr_assert_eq(watchdog_begin(&none, &pipeline, 0, now_ns), 0);
	cr_expect_eq(watchdog_next_ns(&none), UINT64_MAX);
	watchdog_end(&none);
}
