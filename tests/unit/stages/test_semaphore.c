/* semaphore: never more than there are places, and in the order in which they came. */
#include "stages/policy/semaphore.h"
#include "tests/sim/sim_random.h"

#include <criterion/criterion.h>

enum { CALLERS = 40 };

static struct semaphore s;
static struct chain turns[CALLERS];

static void set_up(void)
{
	semaphore_init(&s, 10);
	for (int i = 0; i < CALLERS; i++)
		chain_init(&turns[i]);
}

TestSuite(semaphore, .init = set_up);

Test(semaphore, of_ten_places_the_eleventh_is_not_given)
{
	for (int i = 0; i < 10; i++)
		cr_expect(semaphore_take(&s, &turns[i]));
	for (int i = 10; i < CALLERS; i++)
		cr_expect_not(semaphore_take(&s, &turns[i]));
	cr_expect_eq(s.held, 10);
}

Test(semaphore, place_that_becomes_free_is_for_who_has_waited_longest)
{
	for (int i = 0; i < 13; i++)
		semaphore_take(&s, &turns[i]);
	cr_expect(semaphore_give(&s));
	cr_expect_not(semaphore_take(&s, &turns[12]));
	cr_expect_not(semaphore_take(&s, &turns[11]));
	cr_expect_not(semaphore_take(&s, &turns[20]), "a newcomer");
	cr_expect(semaphore_take(&s, &turns[10]));
	cr_expect_not(semaphore_take(&s, &turns[11]));
}

Test(semaphore, who_leaves_the_line_holds_up_nobody)
{
	for (int i = 0; i < 13; i++)
		semaphore_take(&s, &turns[i]);
	semaphore_leave(&turns[10]);
	semaphore_give(&s);
	cr_expect(semaphore_take(&s, &turns[11]));
	semaphore_leave(&turns[12]);
	cr_expect_not(semaphore_give(&s), "nobody waits");
}

Test(semaphore, without_a_limit_there_is_always_a_place)
{
	semaphore_init(&s, 0);
	for (int i = 0; i < CALLERS; i++)
		cr_expect(semaphore_take(&s, &turns[i]));
}

Test(semaphore, random_callers_are_never_eleven_and_are_served_in_order)
{
	struct sim_random random = {.state = 11};
	bool holds[CALLERS] = {false};
	uint64_t came[CALLERS] = {0}, next = 1, last_served = 0;
	for (int i = 0; i < 200000; i++) {
		uint64_t who = sim_below(&random, CALLERS);
		if (holds[who]) {
			semaphore_give(&s);
			holds[who] = false;
			continue;
		}
		if (came[who] == 0)
			came[who] = next++;
		holds[who] = semaphore_take(&s, &turns[who]);
		if (!holds[who])
			continue;
		cr_assert_gt(came[who], last_served);
		last_served = came[who];
		came[who] = 0;
		cr_assert_leq(s.held, 10);
	}
	cr_expect_gt(last_served, 1000);
}
