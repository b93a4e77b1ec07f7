#include "stages/home.h"
#include "stages/intake.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { READ = 8192, MAX_LINE = 100 };

struct fixture {
	struct stage_counters counters;
	struct framing framing;
	struct home home;
	struct intake intake;
	struct framer framer;
};

static void set_up(struct fixture *x, size_t buffers, size_t batches)
{
	*x = (struct fixture){.framing = {.delimiter = {{'\n'}, 1}, .max_line = MAX_LINE}};
	x->framing.counters = &x->counters;
	cr_assert_eq(home_init(&x->home, &(struct home_size){.buffers = buffers,
							     .buffer_capacity =
								 intake_capacity(MAX_LINE, READ),
							     .batches = batches}),
		     0);
	intake_init(&x->intake, &x->home, &x->framing, READ);
	framer_init(&x->framer);
}

static void tear_down(struct fixture *x)
{
	intake_release(&x->intake);
	home_release(&x->home);
}

static uint8_t *add(struct fixture *x, const char *text)
{
	uint8_t *to;
	size_t room;
	cr_assert_eq(intake_room(&x->intake, &to, &room), 0);
	cr_assert_geq(room, strlen(text));
	memcpy(to, text, strlen(text));
	intake_add(&x->intake, strlen(text), 7, 8);
	return to;
}

static struct batch *frame(struct fixture *x)
{
	struct batch *b = NULL;
	size_t consumed;
	intake_frame(&x->intake, &x->framer, false, &b, &consumed);
	return b;
}

/* A read that fills all the room there is, of lines. */
static void add_large(struct fixture *x)
{
	uint8_t *to;
	size_t room;
	cr_assert_eq(intake_room(&x->intake, &to, &room), 0);
	memset(to, 'x', room);
	for (size_t i = 9; i < room; i += 10)
		to[i] = '\n';
	intake_add(&x->intake, room, 7, 8);
}

Test(intake, small_reads_follow_one_another_in_one_buffer)
{
	struct fixture x;
	set_up(&x, 2, 4);
	uint8_t *first = add(&x, "one\n");
	struct batch *a = frame(&x);
	uint8_t *second = add(&x, "two\n");
	struct batch *b = frame(&x);
	cr_expect_eq(second, first + 4);
	cr_expect_eq(a->buffer, b->buffer);
	cr_expect_eq(a->read_ns, 7);
	cr_expect_eq(a->wall_ns, 8);
	cr_expect_eq(memcmp(a->bytes + a->records[0].offset, "one", 3), 0);
	batch_free(&a);
	batch_free(&b);
	tear_down(&x);
}

Test(intake, buffer_still_held_below_is_not_written_again)
{
	struct fixture x;
	set_up(&x, 2, 4);
	add_large(&x);
	struct batch *held = frame(&x);
	add_large(&x);
	struct batch *other = frame(&x);
	cr_expect_neq(held->buffer, other->buffer);
	batch_free(&held);
	batch_free(&other);
	tear_down(&x);
}

Test(intake, buffer_nobody_else_holds_is_used_from_its_front)
{
	struct fixture x;
	set_up(&x, 1, 4);
	for (int i = 0; i < 5; i++) {
		add_large(&x);
		struct batch *b = frame(&x);
		cr_assert_not_null(b);
		batch_free(&b);
	}
	tear_down(&x);
}

Test(intake, waits_when_every_buffer_is_held_and_this_one_is_full)
{
	struct fixture x;
	set_up(&x, 2, 8);
	struct batch *held[8];
	size_t n = 0;
	uint8_t *to;
	size_t room;
	while (intake_room(&x.intake, &to, &room) == 0) {
		add_large(&x);
		cr_assert_lt(n, 8);
		held[n++] = frame(&x);
	}
	cr_expect_geq(n, 2);
	while (n > 0)
		batch_free(&held[--n]);
	cr_expect_eq(intake_room(&x.intake, &to, &room), 0);
	tear_down(&x);
}

Test(intake, waits_when_no_batch_is_free_and_loses_nothing)
{
	struct fixture x;
	set_up(&x, 2, 1);
	add(&x, "one\n");
	struct batch *a = frame(&x);
	add(&x, "two\n");
	struct batch *b = NULL;
	size_t consumed;
	cr_expect_eq(intake_frame(&x.intake, &x.framer, false, &b, &consumed), -EAGAIN);
	cr_expect_eq(consumed, 0);
	batch_free(&a);
	cr_expect_eq(intake_frame(&x.intake, &x.framer, false, &b, &consumed), 1);
	cr_expect_eq(consumed, 4);
	batch_free(&b);
	tear_down(&x);
}

Test(intake, line_cut_by_a_read_goes_before_an_aligned_place_in_the_next_buffer)
{
	struct fixture x;
	set_up(&x, 2, 4);
	add_large(&x);
	struct batch *a = frame(&x);
	size_t pending = intake_pending(&x.intake);
	cr_assert_gt(pending, 0);
	uint8_t *to;
	size_t room;
	cr_assert_eq(intake_room(&x.intake, &to, &room), 0);
	cr_expect_eq((uintptr_t)to % 4096, 0);
	cr_expect_eq(room, READ);
	cr_expect_eq(to[-1], 'x');
	cr_expect_eq(intake_pending(&x.intake), pending);
	batch_free(&a);
	tear_down(&x);
}
