/* The file source over files that grow, are renamed, cut and deleted while it follows them. */
#include "tests/unit/stages/file_source_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

Test(file_following, followed_line_waits_for_its_delimiter)
{
	struct fixture *x = following("*.log", "a.log", "one\ntw");
	expect_got(x, "one\n");
	append(x, "b.log", "other\n");
	expect_got(x, "one\nother\n");
	append(x, "a.log", "o\nthree\n");
	expect_got(x, "one\nother\ntwo\nthree\n");
	cr_expect_eq(x->unterminated, 0);
	end(x);
}

Test(file_following, line_growing_byte_by_byte_among_others_comes_out_whole)
{
	struct fixture *x = following("*.log", "a.log", "start\n");
	char expected[512] = "start\n", *to = expected + 6;
	for (int i = 0; i < 20; i++) {
		append(x, "a.log", "x");
		append(x, "b.log", "o\n");
		to = stpcpy(to, "o\n");
		expect_got(x, expected);
	}
	append(x, "a.log", "\n");
	stpcpy(to, "xxxxxxxxxxxxxxxxxxxx\n");
	expect_got(x, expected);
	end(x);
}

Test(file_following, renamed_file_is_read_on_and_its_successor_from_the_beginning)
{
	struct fixture *x = following("*.log", "a.log", "one\n");
	move_file(x, "a.log", "a.log.1");
	append(x, "a.log.1", "late\n");
	expect_got(x, "one\nlate\n");
	append(x, "a.log", "successor\n");
	expect_got(x, "one\nlate\nsuccessor\n");
	append(x, "a.log.1", "later\n");
	expect_got(x, "one\nlate\nsuccessor\nlater\n");
	end(x);
}

Test(file_following, file_renamed_and_replaced_before_it_was_looked_at_is_read_all_the_same)
{
	struct fixture *x = following("*.log", NULL, NULL);
	append(x, "a.log", "one\n");
	move_file(x, "a.log", "a.log.1");
	append(x, "a.log", "two\n");
	append(x, "a.log.1", "late\n");
	step_until(x, x->got_length == strlen("one\nlate\ntwo\n"));
	cr_expect(strstr(x->got, "one\nlate\n") && strstr(x->got, "two\n"));
	append(x, "b.log", "three\n");
	move_file(x, "b.log", "b.log.1");
	step_until(x, strstr(x->got, "three\n"));
	end(x);
}

Test(file_following, file_renamed_to_a_name_that_matches_goes_on_under_it)
{
	struct fixture *x = following("*.log*", "a.log", "one\n");
	move_file(x, "a.log", "a.log.1");
	append(x, "a.log", "two\n");
	expect_got(x, "one\ntwo\n");
	append(x, "a.log.1", "three\n");
	expect_got(x, "one\ntwo\nthree\n");
	end(x);
}

static size_t tracked(const struct fixture *x)
{
	return counter_get(&x->counters.work_total) - counter_get(&x->counters.work_done);
}

Test(file_following, renamed_file_that_stays_quiet_is_closed_and_its_last_line_comes_out)
{
	struct fixture *x = following("*.log", "a.log", "one\ntail");
	move_file(x, "a.log", "elsewhere");
	for (int i = 0; i < 50; i++)
		step(x);
	cr_expect_str_eq(x->got, "one\n");
	x->skew_ns += 2 * FILE_QUIET_NS;
	expect_got(x, "one\ntail\n");
	cr_expect_eq(x->unterminated, 1);
	cr_expect_eq(tracked(x), 0);
	end(x);
}

Test(file_following, deleted_file_is_finished_and_a_new_one_of_that_name_is_read_whole)
{
	struct fixture *x = following("*.log", "a.log", "one\n");
	append(x, "a.log", "two\nthr");
	delete_file(x, "a.log");
	append(x, "a.log", "new\n");
	step_until(x, x->got_length >= strlen("one\ntwo\nthr\nnew\n"));
	cr_expect(strstr(x->got, "one\ntwo\n") && strstr(x->got, "thr\n") &&
		  strstr(x->got, "new\n"));
	end(x);
}

Test(file_following, truncated_file_is_read_from_its_beginning_and_counted)
{
	struct fixture *x = following("*.log", "a.log", "first\nsecond\ntail");
	expect_got(x, "first\nsecond\n");
	put(x, "a.log", "new\n", 4, O_TRUNC);
	expect_got(x, "first\nsecond\nnew\n");
	cr_expect_eq(counter_get(&x->counters.truncations), 1);
	cr_expect_str_eq(x->said, "file truncated\n");
	append(x, "a.log", "more\n");
	expect_got(x, "first\nsecond\nnew\nmore\n");
	end(x);
}

Test(file_following, new_directories_are_watched_and_what_is_in_them_is_read)
{
	struct fixture *x = following("**/*.log", NULL, NULL);
	make_directory(x, "a");
	make_directory(x, "a/b");
	append(x, "a/b/c.log", "deep\n");
	expect_got(x, "deep\n");
	append(x, "a/b/c.log", "deeper\n");
	append(x, "a/d.log", "other\n");
	step_until(x, x->got_length == strlen("deep\ndeeper\nother\n"));
	end(x);
}

Test(file_following, link_to_a_file_elsewhere_is_followed)
{
	struct fixture *x = set_up("*.log", NULL);
	append(x, "target", "one\n");
	struct text from = in_directory(x, "target"), to = in_directory(x, "a.log");
	cr_assert_eq(symlink(from.bytes, to.bytes), 0);
	free((char *)(uintptr_t)from.bytes);
	free((char *)(uintptr_t)to.bytes);
	start(x, false);
	expect_got(x, "one\n");
	append(x, "target", "two\n");
	expect_got(x, "one\ntwo\n");
	end(x);
}

Test(file_following, more_files_than_descriptors_are_all_followed)
{
	struct fixture *x = set_up("*.log", NULL);
	char name[32];
	start(x, false);
	step_until(x, x->wake_at_ns > 0);
	int probe = dup(0);
	close(probe);
	struct rlimit limit = {.rlim_cur = (rlim_t)probe + 8, .rlim_max = (rlim_t)probe + 8};
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "%02d.log", i);
		append(x, name, "a\n");
	}
	struct rlimit before;
	getrlimit(RLIMIT_NOFILE, &before);
	limit.rlim_max = before.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	step_until(x, x->got_length == 80);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "%02d.log", i);
		append(x, name, "b\n");
	}
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	step_until(x, x->got_length == 160);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_expect_str_eq(x->said, "too many open files\n");
	cr_expect_eq(counter_get(&x->counters.files), 40);
	end(x);
}
