#include "stages/home.h"
#include "stages/pieces.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct delimiter newline = {{'\n'}, 1}, crlf = {"\r\n", 2};

struct fixture {
	struct home home;
	struct batch *batch;
};

/* A batch over "aa\nb\n\ncccc\ndd", of the lines whose letter is in `keep`; an empty line is '.'. */
static void set_up(struct fixture *x, const char *keep, bool unterminated)
{
	static const char text[] = "aa\nb\n\ncccc\ndd\n";
	static const struct {
		char letter;
		struct record record;
	} lines[] = {{'a', {0, 2}}, {'b', {3, 1}}, {'.', {5, 0}}, {'c', {6, 4}}, {'d', {11, 2}}};
	cr_assert_eq(
	    home_init(&x->home,
		      &(struct home_size){.buffers = 1, .buffer_capacity = 4096, .batches = 1}),
	    0);
	struct buffer *buffer = home_take_buffer(&x->home);
	memcpy(buffer->bytes, text, sizeof text);
	x->batch = batch_new(&x->home, buffer);
	buffer_let_go(buffer);
	x->batch->delimiter = newline;
	x->batch->unterminated = unterminated;
	for (size_t i = 0; i < 5; i++) {
		if (!strchr(keep, lines[i].letter))
			continue;
		x->batch->records[x->batch->count++] = lines[i].record;
		x->batch->bytes_total += lines[i].record.length;
	}
}

static void tear_down(struct fixture *x)
{
	batch_free(&x->batch);
	home_release(&x->home);
}

static void expect_piece(struct pieces *p, const char *text, uint32_t count, bool bare)
{
	struct piece piece;
	cr_assert(pieces_next(p, &piece));
	cr_assert_eq(piece.length, strlen(text), "%zu for \"%s\"", piece.length, text);
	cr_assert_eq(memcmp(piece.bytes, text, piece.length), 0);
	cr_assert_eq(piece.count, count);
	cr_assert_eq(piece.bare, bare);
}

static void expect_end(struct pieces *p)
{
	struct piece piece;
	cr_assert_not(pieces_next(p, &piece));
}

Test(pieces, neighbours_are_one_piece)
{
	struct fixture x;
	struct pieces p;
	set_up(&x, "ab.cd", false);
	pieces_begin(&p, x.batch, 0, 5, &newline);
	expect_piece(&p, "aa\nb\n\ncccc\ndd\n", 5, false);
	expect_end(&p);
	tear_down(&x);
}

Test(pieces, records_filtered_out_part_the_pieces)
{
	struct fixture x;
	struct pieces p;
	set_up(&x, "a.cd", false);
	pieces_begin(&p, x.batch, 0, 4, &newline);
	expect_piece(&p, "aa\n", 1, false);
	expect_piece(&p, "\ncccc\ndd\n", 3, false);
	expect_end(&p);
	tear_down(&x);
}

Test(pieces, range_ends_a_run_with_its_delimiter)
{
	struct fixture x;
	struct pieces p;
	set_up(&x, "ab.cd", true);
	pieces_begin(&p, x.batch, 1, 4, &newline);
	expect_piece(&p, "b\n\ncccc\n", 3, false);
	expect_end(&p);
	tear_down(&x);
}

Test(pieces, unterminated_record_is_bare)
{
	struct fixture x;
	struct pieces p;
	set_up(&x, "cd", true);
	pieces_begin(&p, x.batch, 0, 2, &newline);
	expect_piece(&p, "cccc\ndd", 2, true);
	expect_end(&p);
	tear_down(&x);
}

Test(pieces, foreign_delimiter_makes_every_record_a_bare_piece)
{
	struct fixture x;
	struct pieces p;
	set_up(&x, "ab.", false);
	pieces_begin(&p, x.batch, 0, 3, &crlf);
	expect_piece(&p, "aa", 1, true);
	expect_piece(&p, "b", 1, true);
	expect_piece(&p, "", 1, true);
	expect_end(&p);
	tear_down(&x);
}

Test(pieces, fit_counts_delimiters)
{
	struct fixture x;
	uint64_t bytes = 99;
	set_up(&x, "ab.cd", false); /* 3 2 1 5 3 */
	cr_assert_eq(pieces_fit(x.batch, 0, x.batch->count, 1, 14, &bytes), 5);
	cr_assert_eq(bytes, 14);
	cr_assert_eq(pieces_fit(x.batch, 0, x.batch->count, 1, 13, &bytes), 4);
	cr_assert_eq(bytes, 11);
	cr_assert_eq(pieces_fit(x.batch, 0, x.batch->count, 1, 5, &bytes), 2);
	cr_assert_eq(bytes, 5);
	cr_assert_eq(pieces_fit(x.batch, 3, x.batch->count, 1, 7, &bytes), 1);
	cr_assert_eq(pieces_fit(x.batch, 0, x.batch->count, 1, 2, &bytes), 0);
	cr_assert_eq(bytes, 0);
	cr_assert_eq(pieces_fit(x.batch, 0, x.batch->count, 2, 19, &bytes), 5);
	cr_assert_eq(bytes, 19);
	tear_down(&x);
}
