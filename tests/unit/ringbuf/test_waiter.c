/* Waitlists: order, wakes taken and passed on, and the look's cost where there is no membarrier. */
#include "ringbuf/parker.h"
#include "tests/unit/ringbuf/ringbuf_testing.h"

struct counting {
	struct waiter waiter;
	unsigned wakes;
	struct wait_node node;
};

static void count_wake(struct waiter *w)
{
	((struct counting *)w)->wakes++;
}

static struct counting counting(void)
{
	return (struct counting){.waiter.wake = count_wake};
}

static void arm(struct waitlist *l, struct counting *c)
{
	c->node.waiter = &c->waiter;
	waitlist_arm(l, &c->node);
}

static struct waitlist list;

static void set_up(void)
{
	waiter_setup(true);
	waitlist_init(&list);
}

static void tear_down(void)
{
	waitlist_release(&list);
}

TestSuite(waiter, .init = set_up, .fini = tear_down, .timeout = 60);

Test(waiter, wake_one_wakes_who_waits_longest)
{
	struct counting a = counting(), b = counting();
	arm(&list, &a);
	arm(&list, &b);
	waitlist_wake_one(&list);
	cr_assert_eq(a.wakes, 1);
	cr_assert_eq(b.wakes, 0);
	cr_assert_eq(waitlist_armed(&list), 1);
	cr_assert(waitlist_disarm(&list, &a.node));
	cr_assert_not(waitlist_disarm(&list, &b.node));
}

Test(waiter, wake_all_wakes_all_once)
{
	struct counting c[3] = {counting(), counting(), counting()};
	for (int i = 0; i < 3; i++)
		arm(&list, &c[i]);
	waitlist_wake_all(&list);
	waitlist_wake_all(&list);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(c[i].wakes, 1);
		cr_assert(waitlist_disarm(&list, &c[i].node));
	}
}

Test(waiter, waking_nobody_does_nothing)
{
	waitlist_wake_one(&list);
	waitlist_wake_all(&list);
	cr_assert_eq(waitlist_armed(&list), 0);
}

Test(waiter, arming_twice_is_arming_once)
{
	struct counting a = counting();
	arm(&list, &a);
	arm(&list, &a);
	cr_assert_eq(waitlist_armed(&list), 1);
	waitlist_wake_all(&list);
	cr_assert_eq(a.wakes, 1);
	waitlist_disarm(&list, &a.node);
}

Test(waiter, arming_again_does_not_forget_a_wake)
{
	struct counting a = counting();
	arm(&list, &a);
	waitlist_wake_one(&list);
	arm(&list, &a);
	cr_assert(waitlist_disarm(&list, &a.node), "the wake before arming again must be reported");
	cr_assert_not(waitlist_disarm(&list, &a.node), "and only once");
}

Test(waiter, any_place_in_the_list_can_be_left)
{
	for (int leaves = 0; leaves < 3; leaves++) {
		struct counting c[3] = {counting(), counting(), counting()};
		for (int i = 0; i < 3; i++)
			arm(&list, &c[i]);
		cr_assert_not(waitlist_disarm(&list, &c[leaves].node));
		waitlist_wake_one(&list);
		waitlist_wake_one(&list);
		for (int i = 0; i < 3; i++)
			cr_assert_eq(c[i].wakes, i == leaves ? 0 : 1);
		for (int i = 0; i < 3; i++)
			waitlist_disarm(&list, &c[i].node);
	}
}

Test(waiter, one_waiter_waits_on_many_lists)
{
	struct waitlist other;
	waitlist_init(&other);
	struct counting a = counting();
	struct wait_node second = {.waiter = &a.waiter};
	arm(&list, &a);
	waitlist_arm(&other, &second);
	waitlist_wake_one(&other);
	cr_assert_eq(a.wakes, 1);
	cr_assert_not(waitlist_disarm(&list, &a.node));
	cr_assert(waitlist_disarm(&other, &second));
	waitlist_release(&other);
}

Test(waiter, without_membarrier_every_look_is_ordered)
{
	waiter_setup(false);
	cr_assert(waiter_needs_fence);
	struct waitlist fenced;
	waitlist_init(&fenced);
	struct counting a = counting();
	cr_assert(waitlist_has_armed(&fenced),
		  "an empty list must send the look to the branch that orders");
	cr_assert_eq(waitlist_armed(&fenced), 0);
	waitlist_wake_one(&fenced);
	arm(&fenced, &a);
	cr_assert_eq(waitlist_armed(&fenced), 1);
	waitlist_wake_one(&fenced);
	cr_assert_eq(a.wakes, 1);
	cr_assert(waitlist_disarm(&fenced, &a.node));
	waitlist_release(&fenced);
}

Test(waiter, parker_times_out_at_its_deadline)
{
	struct parker p;
	parker_init(&p);
	uint64_t deadline = in_ms(20);
	cr_assert_eq(parker_wait(&p, deadline), -ETIMEDOUT);
	cr_assert_geq(now_ns(), deadline);
	cr_assert_eq(parker_wait(&p, 0), -ETIMEDOUT, "a deadline long past");
}

Test(waiter, parker_remembers_a_wake_that_came_first)
{
	struct parker p;
	parker_init(&p);
	p.waiter.wake(&p.waiter);
	cr_assert_eq(parker_wait(&p, 0), 0);
	cr_assert_eq(parker_wait(&p, 0), -ETIMEDOUT, "one wake, one wait");
}
