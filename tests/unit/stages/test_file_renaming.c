/* The file source that remembers: files that got another name, in an earlier run, between two or in this one, are read on
 * under it. */
#include "tests/unit/stages/file_source_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What is made from now on is younger: a file system's clock does not tick often. */
static void await_another_time(struct fixture *x, const char *name)
{
	struct text path = in_directory(x, name), tick = in_directory(x, "tick");
	struct stat made, now;
	cr_assert_eq(stat(path.bytes, &made), 0);
	do {
		put(x, "tick", "", 0, O_TRUNC);
		cr_assert_eq(stat(tick.bytes, &now), 0);
		delete_file(x, "tick");
	} while (made.st_mtim.tv_sec == now.st_mtim.tv_sec &&
		 made.st_mtim.tv_nsec == now.st_mtim.tv_nsec);
	free((char *)(uintptr_t)path.bytes);
	free((char *)(uintptr_t)tick.bytes);
}

Test(file_renaming, renamed_while_nothing_ran_it_is_read_on_before_its_successor)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\n");
	start_following(x);
	remember(x);
	stop(x);
	append(x, "a.log", "two\n");
	move_file(x, "a.log", "a.log.1"); /* which no pattern matches */
	append(x, "a.log", "three\n");
	start(x, false);
	expect_got(x, "one\ntwo\nthree\n");
	append(x, "a.log.1", "late\n");
	expect_got(x, "one\ntwo\nthree\nlate\n");
	remember(x);
	crash_following(x);
	append(x, "a.log.1", "later\n");
	expect_got(x, "one\ntwo\nthree\nlate\nlater\n");
	cr_expect_str_eq(x->said, "");
	end(x);
}

Test(file_renaming, what_the_patterns_do_not_want_any_more_is_left_alone_and_known_when_they_do)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	struct text wide = x->paths[0], narrow = in_directory(x, "b.log");
	append(x, "c.log", "three\n");
	await_another_time(x, "c.log"); /* the older one is read on first */
	append(x, "a.log", "one\n");
	start_following(x);
	remember(x);
	stop(x);
	size_t before = x->got_length;
	append(x, "a.log", "more\n");
	append(x, "c.log", "three more\n");
	append(x, "b.log", "two\n");
	move_file(x, "c.log", "c.old");
	x->paths[0] = narrow;
	start_following(x);
	append(x, "a.log", "still more\n");
	read_all(x);
	cr_expect_str_eq(x->got + before, "two\n");
	remember(x);
	stop(x);
	x->paths[0] = wide;
	start_following(x);
	cr_expect_str_eq(x->got + before, "two\nthree more\nmore\nstill more\n");
	cr_expect_str_eq(x->said, "");
	free((char *)(uintptr_t)narrow.bytes);
	end(x);
}

Test(file_renaming, renamed_out_of_the_patterns_it_is_read_on_at_the_next_start_too)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\n");
	start_following(x);
	move_file(x, "a.log", "a.log.1");
	read_all(x);
	remember(x);
	stop(x);
	append(x, "a.log.1", "two\n");
	start(x, false);
	expect_got(x, "one\ntwo\n");
	end(x);
}

Test(file_renaming, renamed_while_nothing_ran_it_is_read_on_once_too)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "b.log", "one\n");
	read_once(x);
	append(x, "b.log", "two\n");
	move_file(x, "b.log", "elsewhere");
	append(x, "a.log", "three\n");
	append(x, "b.log", "four\n");
	read_once(x);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\nfour\n");
	append(x, "elsewhere", "five\n");
	read_once(x);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\nfour\nfive\n");
	cr_expect_str_eq(x->said, "");
	tear_down(x);
}

Test(file_renaming, rotated_twice_while_nothing_ran_they_are_read_oldest_first_once_too)
{
	struct fixture *x = set_up_remembering("*.log*", NULL);
	append(x, "a.log", "one\n");
	read_once(x);
	append(x, "a.log", "two\n");
	move_file(x, "a.log", "a.log.2");
	append(x, "a.log", "three\n");
	await_another_time(x, "a.log");
	move_file(x, "a.log", "a.log.1");
	append(x, "a.log", "four\n");
	read_once(x);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\nfour\n");
	tear_down(x);
}

Test(file_renaming, rotated_before_anything_was_read_of_it_it_is_read_all_the_same)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "");
	start_following(x);
	cr_expect_gt(counter_get(&x->counters.changes), 0);
	remember(x);
	stop(x);
	append(x, "a.log", "one\n");
	move_file(x, "a.log", "a.log.1");
	append(x, "a.log", "two\n");
	start(x, false);
	expect_got(x, "one\ntwo\n");
	end(x);
}

Test(file_renaming, files_that_match_under_their_new_names_are_read_on_oldest_first)
{
	struct fixture *x = set_up_remembering("a.log*", NULL);
	append(x, "a.log", "one\n");
	start_following(x);
	remember(x);
	stop(x);
	append(x, "a.log", "two\n");
	move_file(x, "a.log", "a.log.2");
	append(x, "a.log.1", "three\n");
	append(x, "a.log", "four\n");
	start(x, false);
	step_until(x, x->got_length == strlen("one\ntwo\nthree\nfour\n"));
	/* the clock of birth times may be too coarse to tell the last two apart */
	cr_expect_eq(strncmp(x->got, "one\ntwo\n", 8), 0, "%s", x->got);
	end(x);
}

Test(file_renaming, renamed_as_it_is_read_it_is_known_under_its_new_name_after_a_crash)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\n");
	start_following(x);
	remember(x);
	make_directory(x, "old");
	uint64_t changes = counter_get(&x->counters.changes);
	move_file(x, "a.log", "a.log.1");
	step_until(x, counter_get(&x->counters.changes) > changes);
	read_all(x);
	remember(x);
	stop(x);
	append(x, "a.log.1", "two\n");
	start(x, false);
	expect_got(x, "one\ntwo\n");
	end(x);
}

/* A file system that tells of no events; a file that is renamed after it was seen, before it is opened; a disk that takes
 * ten seconds to list a directory. */
static const struct io_ops *real_ops;
static struct fixture *renaming, *listing_slowly;

static void submit_after_renaming(struct io *io, struct io_op *op)
{
	if (op->code == IO_WATCH_NEW) {
		op->code = IO_STAT; /* of no descriptor: refused */
		op->fd = -1;
		op->stat.path = NULL;
	} else if (op->code == IO_OPEN && renaming) {
		move_file(renaming, "a.log", "a.log.1");
		renaming = NULL;
	} else if (op->code == IO_LIST && listing_slowly) {
		listing_slowly->skew_ns += UINT64_C(10000000000);
		listing_slowly = NULL;
	}
	real_ops->submit(io, op);
}

static void cancel_really(struct io *io, struct io_op *op)
{
	real_ops->cancel(io, op);
}

static const struct io_ops renaming_ops = {.submit = submit_after_renaming,
					   .cancel = cancel_really};

Test(file_renaming, walk_that_waited_for_the_disk_is_followed_by_another_within_a_minute)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\n");
	listing_slowly = x;
	real_ops = x->backend->io.ops;
	x->backend->io.ops = &renaming_ops;
	start_following(x);
	cr_assert_null(listing_slowly);
	append(x, "b.log", "two\n");
	x->skew_ns += UINT64_C(61000000000);
	expect_got(x, "one\ntwo\n");
	end(x);
}

Test(file_renaming, renamed_between_being_seen_and_being_opened_it_is_searched_for)
{
	struct fixture *x = set_up_remembering("a.log", NULL);
	append(x, "a.log", "one\n");
	start_following(x);
	remember(x);
	stop(x);
	append(x, "a.log", "two\n");
	renaming = x;
	real_ops = x->backend->io.ops;
	x->backend->io.ops = &renaming_ops;
	start(x, false);
	step_until(x, !renaming);
	for (int i = 0; i < 20; i++) {
		x->skew_ns += UINT64_C(1000000000);
		read_all(x);
	}
	expect_got(x, "one\ntwo\n");
	end(x);
}
