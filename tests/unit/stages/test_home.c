#include "stages/home.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

enum { CAPACITY = 8192 };

static struct home home;

static void make_home(void)
{
	cr_assert_eq(
	    home_init(&home,
		      &(struct home_size){.buffers = 2, .buffer_capacity = CAPACITY, .batches = 3}),
	    0);
}

static void release_home(void)
{
	cr_assert(home_is_whole(&home));
	home_release(&home);
}

TestSuite(home, .init = make_home, .fini = release_home);

Test(home, gives_each_buffer_once_and_takes_it_back)
{
	struct buffer *a = home_take_buffer(&home), *b = home_take_buffer(&home);
	cr_assert(a && b && a != b);
	cr_assert_null(home_take_buffer(&home));
	cr_assert(home_is_short(&home));
	memset(a->bytes, 1, CAPACITY);
	memset(b->bytes, 2, CAPACITY);
	cr_assert_eq(a->bytes[CAPACITY - 1], 1, "buffers do not overlap");
	buffer_let_go(a);
	cr_assert_not(home_is_whole(&home));
	cr_assert_eq(home_take_buffer(&home), a);
	buffer_let_go(a);
	buffer_let_go(b);
}

Test(home, reuses_the_buffer_returned_last)
{
	struct buffer *a = home_take_buffer(&home), *b = home_take_buffer(&home);
	buffer_let_go(a);
	buffer_let_go(b);
	cr_assert_eq(home_take_buffer(&home), b);
	buffer_let_go(b);
}

Test(home, buffer_returns_only_when_the_last_batch_lets_go)
{
	struct buffer *buffer = home_take_buffer(&home);
	struct batch *one = batch_new(&home, buffer), *two = batch_clone(&home, one);
	buffer_let_go(buffer);
	batch_free(&one);
	cr_assert_null(one);
	struct buffer *other = home_take_buffer(&home);
	cr_assert_neq(other, buffer);
	cr_assert_null(home_take_buffer(&home));
	batch_free(&two);
	cr_assert_eq(home_take_buffer(&home), buffer);
	buffer_let_go(buffer);
	buffer_let_go(other);
}

Test(home, shared_batch_returns_with_the_last_who_frees_it)
{
	struct buffer *buffer = home_take_buffer(&home);
	struct batch *one = batch_new(&home, buffer), *two = batch_share(one);
	buffer_let_go(buffer);
	batch_free(&one);
	cr_assert_null(one);
	cr_assert_eq(two->buffer, buffer);
	cr_assert_not(home_is_whole(&home));
	batch_free(&two);
	cr_assert(home_is_whole(&home));
}

Test(home, counts_free_batches_exactly)
{
	struct buffer *buffer = home_take_buffer(&home);
	struct batch *taken[3];
	for (int i = 0; i < 3; i++) {
		cr_assert(home_has_batches(&home, (size_t)(3 - i)));
		cr_assert_not(home_has_batches(&home, (size_t)(4 - i)));
		taken[i] = batch_new(&home, buffer);
		cr_assert_not_null(taken[i]);
	}
	cr_assert_null(batch_new(&home, buffer));
	for (int i = 0; i < 3; i++)
		batch_free(&taken[i]);
	cr_assert(home_has_batches(&home, 3));
	buffer_let_go(buffer);
}

static void *free_it(void *batch)
{
	struct batch *b = batch;
	batch_free(&b);
	return NULL;
}

Test(home, takes_back_from_other_threads)
{
	struct buffer *buffer = home_take_buffer(&home);
	for (int i = 0; i < 100; i++) {
		pthread_t threads[3];
		for (int k = 0; k < 3; k++) {
			struct batch *b = batch_new(&home, buffer);
			cr_assert_not_null(b);
			cr_assert_eq(pthread_create(&threads[k], NULL, free_it, b), 0);
		}
		for (int k = 0; k < 3; k++)
			pthread_join(threads[k], NULL);
	}
	buffer_let_go(buffer);
}

static struct batch *three_lines(struct buffer *buffer)
{
	memcpy(buffer->bytes, "ab\ncd\nef", 8);
	struct batch *b = batch_new(&home, buffer);
	b->delimiter = (struct delimiter){.bytes = "\n", .length = 1};
	for (uint32_t i = 0; i < 3; i++)
		b->records[i] = (struct record){.offset = i * 3, .length = 2};
	b->count = 3;
	return b;
}

Test(home, neighbours_form_one_run_and_a_gap_ends_it)
{
	struct buffer *buffer = home_take_buffer(&home);
	struct batch *b = three_lines(buffer);
	struct batch_run run = batch_run(b, 0);
	cr_assert_eq(run.count, 3);
	cr_assert_eq(run.length, 8);
	cr_assert(run.delimited);
	b->records[1] = b->records[2];
	b->count = 2;
	run = batch_run(b, 0);
	cr_assert_eq(run.count, 1);
	cr_assert_eq(run.length, 2);
	cr_assert_eq(batch_run(b, 1).bytes, buffer->bytes + 6);
	batch_free(&b);
	buffer_let_go(buffer);
}

Test(home, unterminated_end_is_not_delimited_but_what_stands_before_is)
{
	struct buffer *buffer = home_take_buffer(&home);
	struct batch *b = three_lines(buffer);
	b->unterminated = true;
	cr_assert_not(batch_run(b, 0).delimited);
	b->records[1].length = 1; /* a gap behind it: two runs */
	cr_assert(batch_run(b, 0).delimited);
	cr_assert_eq(batch_run(b, 0).count, 2);
	cr_assert_not(batch_run(b, 2).delimited);
	batch_free(&b);
	buffer_let_go(buffer);
}
