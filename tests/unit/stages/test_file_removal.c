/* Source files that are deleted once they are stored: which, when, and that nothing is lost by it. */
#include "tests/unit/stages/file_source_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)
#define HOUR_NS (3600 * SECOND_NS)

static struct fixture *set_up_removing(const char *pattern)
{
	struct fixture *x = set_up_remembering(pattern, NULL);
	x->options.remove_after_ns = HOUR_NS;
	return x;
}

static bool exists(struct fixture *x, const char *name)
{
	struct stat status;
	struct text path = in_directory(x, name);
	bool is_there = lstat(path.bytes, &status) == 0;
	free((char *)path.bytes);
	return is_there;
}

/* Follows until so much time has gone by, and nothing more comes of it. */
static void pass(struct fixture *x, uint64_t ns)
{
	x->skew_ns += ns;
	read_all(x);
}

static void leave(struct fixture *x)
{
	for (int r = STEP_MORE; r != STEP_DONE;) {
		r = file_source_type.settle(&x->stage);
		cr_assert_geq(r, 0);
		if (r == STEP_WAIT)
			settle(x);
	}
}

static void read_once_and_leave(struct fixture *x)
{
	cr_expect_eq(run_once(x), STEP_DONE);
	commit(x);
	leave(x);
}

/* ---- following ---- */

Test(file_removal, file_goes_so_long_after_it_was_committed_and_no_earlier)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\ntwo\n");
	start_following(x);
	pass(x, 2 * HOUR_NS);
	cr_expect(exists(x, "a.log"), "it is not committed");
	commit(x);
	pass(x, HOUR_NS - 10 * SECOND_NS);
	cr_expect(exists(x, "a.log"), "it is too early");
	pass(x, 20 * SECOND_NS);
	cr_expect_not(exists(x, "a.log"));
	cr_expect_str_eq(x->got, "one\ntwo\n");
	cr_expect_str_eq(x->said, "file removed, all of it is stored\n");
	cr_expect_eq(counter_get(&x->counters.removals), 1);
	end(x);
}

Test(file_removal, file_that_grew_is_stored_again_first)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	append(x, "a.log", "two\n");
	read_all(x);
	pass(x, 2 * HOUR_NS);
	cr_expect(exists(x, "a.log"));
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "a.log"));
	append(x, "a.log", "three\n");
	read_all(x);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\n");
	end(x);
}

Test(file_removal, file_with_a_last_line_that_has_not_ended_stays)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\ntw");
	start_following(x);
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect(exists(x, "a.log"));
	append(x, "a.log", "o\n");
	read_all(x);
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "a.log"));
	cr_expect_str_eq(x->got, "one\ntwo\n");
	end(x);
}

Test(file_removal, file_that_ends_within_a_line_that_is_too_long_stays)
{
	static const uint64_t ways[] = {LONG_LINE_TRUNCATE, LONG_LINE_DROP, LONG_LINE_SPLIT};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct fixture *x = set_up_removing("*");
		x->options.framing.max_line = 8;
		x->options.framing.on_long_line = ways[i];
		append(x, "a.log", "one\nand this is long, as it is to be");
		start_following(x);
		commit(x);
		pass(x, 2 * HOUR_NS);
		cr_expect(exists(x, "a.log"));
		append(x, "a.log", "\n");
		read_all(x);
		commit(x);
		pass(x, 2 * HOUR_NS);
		cr_expect_not(exists(x, "a.log"));
		end(x);
	}
}

Test(file_removal, file_whose_beginning_was_left_out_stays)
{
	struct fixture *x = set_up_removing("*");
	x->options.read_from = 1;
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	append(x, "a.log", "two\n");
	read_all(x);
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect(exists(x, "a.log"));
	cr_expect_str_eq(x->got, "two\n");
	end(x);
}

Test(file_removal, file_that_the_patterns_do_not_match_any_more_stays)
{
	struct fixture *x = set_up_removing("*.log");
	append(x, "a.log", "one\n");
	start_following(x);
	move_file(x, "a.log", "a.log.1");
	read_all(x);
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect(exists(x, "a.log.1"));
	end(x);
}

Test(file_removal, empty_file_and_link_stay)
{
	struct fixture *x = set_up_removing("*.log");
	append(x, "empty.log", "");
	append(x, "target", "one\n");
	struct text link = in_directory(x, "link.log");
	cr_assert_eq(symlink("target", link.bytes), 0);
	start_following(x);
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect_str_eq(x->got, "one\n");
	cr_expect(exists(x, "empty.log"));
	cr_expect(exists(x, "link.log"));
	cr_expect(exists(x, "target"));
	free((char *)link.bytes);
	end(x);
}

Test(file_removal, compressed_file_goes_when_its_last_frame_is_whole)
{
	struct fixture *x = set_up_removing("*");
	char packed[1024];
	size_t n = pack_member(packed, sizeof packed, "two\n");
	append_frame(x, "a.zst", "one\n");
	put(x, "b.gz", packed, n - 6, 0);
	start_following(x);
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "a.zst"));
	cr_expect(exists(x, "b.gz"));
	put(x, "b.gz", packed + n - 6, 6, O_APPEND);
	read_all(x);
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "b.gz"));
	cr_expect(strstr(x->got, "one\n") && strstr(x->got, "two\n"));
	cr_expect_eq(x->got_length, 8);
	end(x);
}

Test(file_removal, what_was_stored_by_an_earlier_run_goes_too)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	crash(x, false);
	x->skew_ns += 2 * HOUR_NS;
	step_until(x, !exists(x, "a.log"));
	cr_expect_str_eq(x->got, "one\n");
	commit(x);
	crash(x, false);
	append(x, "a.log", "two\n");
	read_all(x);
	cr_expect_str_eq(x->got, "one\ntwo\n");
	end(x);
}

Test(file_removal, position_is_forgotten_once_the_file_is_gone)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "a.log"));
	pass(x, 2 * FILE_QUIET_NS);
	commit(x);
	const struct epoch_stage *s = epoch_map_stage(&x->remembered, "files");
	cr_expect(!s || !s->first);
	end(x);
}

Test(file_removal, what_cannot_be_removed_is_said_once)
{
	struct fixture *x = set_up_removing("d/*");
	make_directory(x, "d");
	append(x, "d/a.log", "one\n");
	struct text directory = in_directory(x, "d");
	start_following(x);
	commit(x);
	if (geteuid() == 0)
		cr_skip_test("root may remove anything");
	cr_assert_eq(chmod(directory.bytes, 0500), 0);
	pass(x, 2 * HOUR_NS);
	pass(x, 2 * HOUR_NS);
	cr_expect_str_eq(x->said, "file cannot be removed, leaving it\n");
	cr_assert_eq(chmod(directory.bytes, 0700), 0);
	free((char *)directory.bytes);
	end(x);
}

/* ---- what others do in the last moment ---- */

/* Called before the operation with which the file leaves its name. */
static void (*in_the_last_moment)(struct fixture *x);
static struct fixture *at_hand;
static enum io_code moment;
static const struct io_ops *real_ops;

static void submit_late(struct io *io, struct io_op *op)
{
	if (op->code == moment && in_the_last_moment) {
		in_the_last_moment(at_hand);
		in_the_last_moment = NULL;
	}
	real_ops->submit(io, op);
}

static void cancel_really(struct io *io, struct io_op *op)
{
	real_ops->cancel(io, op);
}

static const struct io_ops late_ops = {.submit = submit_late, .cancel = cancel_really};

static void meddle(struct fixture *x, enum io_code before, void (*meddling)(struct fixture *x))
{
	at_hand = x;
	moment = before;
	in_the_last_moment = meddling;
	if (x->backend->io.ops != &late_ops)
		real_ops = x->backend->io.ops;
	x->backend->io.ops = &late_ops;
}

static void rotate(struct fixture *x)
{
	move_file(x, "a.log", "a.log.1");
	append(x, "a.log", "next\n");
}

static void write_more(struct fixture *x)
{
	append(x, "a.log", "more\n");
}

static int writer = -1;

static void write_to_what_is_open(struct fixture *x)
{
	(void)x;
	cr_assert_eq(write(writer, "more\n", 5), 5);
}

static void make_another(struct fixture *x)
{
	append(x, "a.log", "next\n");
}

Test(file_removal, file_that_has_come_to_the_name_in_the_last_moment_is_put_back_and_read)
{
	struct fixture *x = set_up_removing("a.log");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	meddle(x, IO_RENAME, rotate);
	pass(x, 2 * HOUR_NS);
	cr_expect_null(in_the_last_moment);
	cr_expect(exists(x, "a.log"));
	cr_expect(exists(x, "a.log.1"));
	cr_expect_not(exists(x, ".sluice-removing.a.log"));
	expect_got(x, "one\nnext\n");
	end(x);
}

Test(file_removal, file_that_was_written_to_in_the_last_moment_is_put_back_and_read)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	meddle(x, IO_RENAME, write_more);
	pass(x, 2 * HOUR_NS);
	cr_expect(exists(x, "a.log"));
	expect_got(x, "one\nmore\n");
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "a.log"));
	end(x);
}

Test(file_removal, what_is_written_to_a_file_that_is_gone_by_then_is_read)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	struct text path = in_directory(x, "a.log");
	writer = open(path.bytes, O_WRONLY | O_APPEND);
	start_following(x);
	commit(x);
	meddle(x, IO_UNLINK, write_to_what_is_open);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "a.log"));
	expect_got(x, "one\nmore\n");
	close(writer);
	free((char *)path.bytes);
	end(x);
}

Test(file_removal, once_what_is_written_to_a_file_that_is_gone_by_then_is_said)
{
	struct fixture *x = set_up_removing("*");
	x->options.remove_after_ns = 1000000;
	append(x, "a.log", "one\n");
	struct text path = in_directory(x, "a.log");
	writer = open(path.bytes, O_WRONLY | O_APPEND);
	meddle(x, IO_UNLINK, write_to_what_is_open);
	read_once_and_leave(x);
	cr_expect(strstr(x->said, "file was written to as it was removed"), "%s", x->said);
	close(writer);
	free((char *)path.bytes);
	end(x);
}

Test(file_removal, new_file_by_the_name_of_one_that_is_being_removed_is_read_and_stays)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	meddle(x, IO_UNLINK, make_another);
	pass(x, 2 * HOUR_NS);
	cr_expect(exists(x, "a.log"));
	cr_expect_not(exists(x, ".sluice-removing.a.log"));
	expect_got(x, "one\nnext\n");
	end(x);
}

Test(file_removal, what_a_crash_left_aside_is_put_back)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	append(x, "b.log", "two\n");
	expect_got(x, "one\ntwo\n");
	commit(x);
	stop(x);
	move_file(x, "a.log", ".sluice-removing.a.log");
	delete_file(x, "b.log");
	append(x, ".sluice-removing.b.log", "another\n"); /* had come to its name */
	start_following(x);
	cr_expect(exists(x, "a.log"));
	expect_got(x, "one\ntwo\nanother\n");
	commit(x);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "a.log"));
	cr_expect_not(exists(x, "b.log"));
	end(x);
}

Test(file_removal, what_a_crash_left_aside_goes_when_another_file_has_its_name)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	stop(x);
	move_file(x, "a.log", ".sluice-removing.a.log");
	append(x, "a.log", "next\n");
	start_following(x);
	expect_got(x, "one\nnext\n");
	pass(x, 2 * FILE_QUIET_NS);
	commit(x);
	pass(x, 2 * HOUR_NS);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, ".sluice-removing.a.log"));
	end(x);
}

/* ---- names that are taken ---- */

static void give_second_name(struct fixture *x, const char *name, const char *second)
{
	struct text from = in_directory(x, name), to = in_directory(x, second);
	cr_assert_eq(link(from.bytes, to.bytes), 0);
	free((char *)from.bytes);
	free((char *)to.bytes);
}

Test(file_removal, file_that_a_kill_left_under_both_names_goes_from_both)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	stop(x);
	give_second_name(x, "a.log", ".sluice-removing.a.log");
	start_following(x);
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "a.log"));
	cr_expect_not(exists(x, ".sluice-removing.a.log"));
	cr_expect_str_eq(x->got, "one\n");
	cr_expect_eq(counter_get(&x->counters.removals), 1);
	end(x);
}

Test(file_removal, another_file_under_the_name_aside_stays_and_keeps_none_from_being_removed)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	append(x, ".sluice-removing.a.log", "another\n");
	append(x, ".sluice-removing-2.a.log", "and another\n");
	pass(x, 2 * HOUR_NS);
	cr_expect_not(exists(x, "a.log"));
	cr_expect(exists(x, ".sluice-removing.a.log"));
	cr_expect(exists(x, ".sluice-removing-2.a.log"));
	cr_expect_str_eq(x->got, "one\n");
	cr_expect_str_eq(x->said, "file removed, all of it is stored\n");
	end(x);
}

Test(file_removal, file_stays_when_every_name_aside_is_taken)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	start_following(x);
	commit(x);
	append(x, ".sluice-removing.a.log", "1\n");
	append(x, ".sluice-removing-2.a.log", "2\n");
	append(x, ".sluice-removing-3.a.log", "3\n");
	append(x, ".sluice-removing-4.a.log", "4\n");
	pass(x, 2 * HOUR_NS);
	pass(x, 2 * HOUR_NS);
	cr_expect(exists(x, "a.log"));
	cr_expect_str_eq(x->said, "file cannot be removed, leaving it\n");
	end(x);
}

Test(file_removal, what_a_crash_left_aside_by_another_name_is_put_back)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\n");
	append(x, "-2.b.log", "two\n");
	start_following(x);
	commit(x);
	stop(x);
	move_file(x, "a.log", ".sluice-removing-3.a.log");
	move_file(x, "-2.b.log", ".sluice-removing.-2.b.log");
	start_following(x);
	cr_expect(exists(x, "a.log"));
	cr_expect(exists(x, "-2.b.log"));
	cr_expect_not(exists(x, ".sluice-removing-3.a.log"));
	expect_got(x, "two\none\n");
	end(x);
}

Test(file_removal, no_source_reads_what_lies_aside)
{
	struct fixture *x = set_up_removing(".*.log");
	append(x, ".a.log", "one\n");
	append(x, ".sluice-removing.a.log", "two\n");
	append(x, ".sluice-removing-2.a.log", "three\n");
	start_following(x);
	cr_expect_str_eq(x->got, "one\n");
	end(x);
}

/* ---- once ---- */

Test(file_removal, once_what_is_due_at_the_end_goes_and_the_rest_in_a_later_run)
{
	struct fixture *x = set_up_removing("*");
	append(x, "a.log", "one\ntwo");
	append_frame(x, "b.zst", "three\n");
	read_once_and_leave(x);
	cr_expect(exists(x, "a.log"));
	stop(x);
	x->skew_ns += HOUR_NS;
	append(x, "c.log", "four\n");
	read_once_and_leave(x);
	cr_expect_not(exists(x, "a.log"));
	cr_expect_not(exists(x, "b.zst"));
	cr_expect(exists(x, "c.log"));
	cr_expect_str_eq(x->got, "one\ntwo\nthree\nfour\n");
	end(x);
}

Test(file_removal, once_the_least_delay_is_waited_for)
{
	struct fixture *x = set_up_removing("*");
	x->options.remove_after_ns = 1000000;
	append(x, "a.log", "one\n");
	read_once_and_leave(x);
	cr_expect_not(exists(x, "a.log"));
	stop(x);
	cr_expect_eq(run_once(x), STEP_DONE, "that nothing is left is no mistake");
	cr_expect_str_eq(x->got, "one\n");
	end(x);
}

Test(file_removal, once_what_changed_before_the_end_stays)
{
	struct fixture *x = set_up_removing("*");
	x->options.remove_after_ns = 1000000;
	append(x, "grown.log", "one\n");
	append(x, "replaced.log", "two\n");
	append(x, "rewritten.log", "three\n");
	append(x, "short.log", "four\n");
	cr_expect_eq(run_once(x), STEP_DONE);
	commit(x);
	append(x, "grown.log", "more\n");
	append(x, "other", "TWO\n");
	move_file(x, "other", "replaced.log");
	put(x, "rewritten.log", "THREE\n", 6, O_TRUNC);
	put(x, "short.log", "4\n", 2, O_TRUNC);
	x->skew_ns += HOUR_NS;
	leave(x);
	cr_expect(exists(x, "grown.log"));
	cr_expect(exists(x, "replaced.log"));
	cr_expect(exists(x, "rewritten.log"));
	cr_expect(exists(x, "short.log"));
	stop(x);
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\nfour\nmore\nTHREE\n4\nTWO\n");
	end(x);
}

Test(file_removal, without_the_option_everything_stays)
{
	struct fixture *x = set_up_removing("*");
	x->options.remove_after_ns = 0;
	append(x, "a.log", "one\n");
	read_once_and_leave(x);
	x->skew_ns += 1000 * HOUR_NS;
	leave(x);
	cr_expect(exists(x, "a.log"));
	end(x);
}
