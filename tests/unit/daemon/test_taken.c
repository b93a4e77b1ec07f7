/* What a sink has taken and not done can be taken again, in that order, and goes home when it is done. */
#include "daemon/taken.h"
#include "stages/home.h"

#include <criterion/criterion.h>

enum { BATCHES = 200 }; /* more than there is room for at first */

static struct home home;
static struct taken taken;
static struct batch *batches[BATCHES];

static void set_up(void)
{
	cr_assert_eq(home_init(&home, &(struct home_size){.buffers = BATCHES,
							  .buffer_capacity = 4096,
							  .batches = BATCHES,
							  .columns = 1}),
		     0);
	taken_keep_from_now(&taken);
}

static void tear_down(void)
{
	taken_release(&taken);
	cr_expect(home_is_whole(&home));
	home_release(&home);
}

TestSuite(taken, .init = set_up, .fini = tear_down);

/* As a sink does: it has each for itself, and lets it go. */
static void take(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct buffer *b = home_take_buffer(&home);
		struct batch *one = batches[i] = batch_new(&home, b);
		buffer_let_go(b);
		taken_add(&taken, one);
		batch_free(&one);
	}
}

static void assert_again(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct batch *b = taken_again(&taken);
		cr_assert_eq(b, batches[i], "batch %zu", i);
		batch_free(&b);
	}
}

Test(taken, what_is_done_goes_home_and_the_rest_is_taken_again)
{
	take(0, BATCHES);
	cr_expect_not(taken_has_again(&taken));
	cr_expect_null(taken_again(&taken));
	taken_done(&taken, 30);
	cr_expect(home_has_batches(&home, 30));
	cr_expect_not(home_has_batches(&home, 31));
	taken_rewind(&taken);
	assert_again(30, BATCHES);
	cr_expect_null(taken_again(&taken));
	taken_done(&taken, BATCHES - 30);
	cr_expect(home_is_whole(&home));
}

Test(taken, who_fails_again_before_it_has_taken_all_begins_with_the_oldest)
{
	take(0, 10);
	taken_rewind(&taken);
	assert_again(0, 4);
	taken_done(&taken, 2);
	taken_rewind(&taken);
	assert_again(2, 10);
	take(10, 12);
	taken_rewind(&taken);
	assert_again(2, 12);
}

Test(taken, ring_goes_round)
{
	for (size_t round = 0; round < 50; round++) {
		take(0, 7);
		taken_rewind(&taken);
		assert_again(0, 7);
		taken_done(&taken, 7);
		cr_assert(home_is_whole(&home));
	}
}
