#include "stages/batch_list.h"
#include "stages/home.h"

#include <criterion/criterion.h>

enum { BATCHES = 3 };

static struct home home;
static struct batch *made[BATCHES];
static struct batch_list list;

static void make_batches(void)
{
	struct home_size size = {.buffers = 1, .buffer_capacity = 4096, .batches = BATCHES};
	cr_assert_eq(home_init(&home, &size), 0);
	struct buffer *buffer = home_take_buffer(&home);
	for (size_t i = 0; i < BATCHES; i++)
		made[i] = batch_new(&home, buffer);
	buffer_let_go(buffer);
	list = (struct batch_list){.first = NULL};
}

static void release_home(void)
{
	cr_assert(home_is_whole(&home), "each batch was freed, and none twice");
	home_release(&home);
}

TestSuite(batch_list, .init = make_batches, .fini = release_home);

static void free_made(void)
{
	for (size_t i = 0; i < BATCHES; i++)
		batch_free(&made[i]);
}

Test(batch_list, gives_batches_in_the_order_in_which_they_were_added)
{
	for (size_t i = 0; i < BATCHES; i++)
		batch_list_add(&list, made[i]);
	for (size_t i = 0; i < BATCHES; i++)
		cr_assert_eq(batch_list_take(&list), made[i]);
	cr_assert_null(batch_list_take(&list));
	free_made();
}

Test(batch_list, what_is_put_first_comes_before_what_was_there)
{
	batch_list_add(&list, made[1]);
	batch_list_put_first(&list, made[0]);
	batch_list_add(&list, made[2]);
	for (size_t i = 0; i < BATCHES; i++)
		cr_assert_eq(batch_list_take(&list), made[i]);
	free_made();
}

Test(batch_list, what_was_put_first_into_an_empty_one_is_its_last_too)
{
	batch_list_put_first(&list, made[0]);
	batch_list_add(&list, made[1]);
	cr_assert_eq(batch_list_take(&list), made[0]);
	cr_assert_eq(batch_list_take(&list), made[1]);
	cr_assert_null(list.last);
	free_made();
}

Test(batch_list, a_batch_that_was_taken_may_go_into_another)
{
	struct batch_list other = {.first = NULL};
	batch_list_add(&list, made[0]);
	batch_list_add(&list, made[1]);
	batch_list_add(&other, batch_list_take(&list));
	cr_assert_eq(list.first, made[1]);
	cr_assert_eq(other.first, made[0]);
	cr_assert_null(made[0]->next, "it does not lead into the list that it was in");
	free_made();
}

Test(batch_list, drop_frees_them_all_and_leaves_it_empty)
{
	for (size_t i = 0; i < BATCHES; i++)
		batch_list_add(&list, made[i]);
	batch_list_drop(&list);
	cr_assert(home_is_whole(&home));
	cr_assert_null(list.first);
	cr_assert_null(list.last);
	batch_list_drop(&list);
}
