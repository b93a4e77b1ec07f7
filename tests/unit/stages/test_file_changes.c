/* The file source that remembers: files that were truncated, written anew, replaced or deleted since they were read. */
#include "tests/unit/stages/file_source_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

Test(file_changes, truncated_while_nothing_ran_it_is_read_from_its_beginning)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\ntwo\nthree\n");
	start_following(x);
	remember(x);
	stop(x);
	put(x, "a.log", "four\n", 5, O_TRUNC);
	start(x, false);
	expect_got(x, "one\ntwo\nthree\nfour\n");
	cr_expect_str_eq(x->said, "file truncated\n");
	cr_expect_eq(counter_get(&x->counters.truncations), 1);
	remember(x);
	crash_following(x);
	expect_got(x, "one\ntwo\nthree\nfour\n");
	end(x);
}

Test(file_changes, truncated_and_grown_past_where_it_was_read_it_is_read_from_its_beginning)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\n");
	start_following(x);
	remember(x);
	stop(x);
	put(x, "a.log", "two\nthree\nfour\n", 15, O_TRUNC);
	start(x, false);
	expect_got(x, "one\ntwo\nthree\nfour\n");
	cr_expect_str_eq(x->said, "file written anew\n");
	cr_expect_eq(counter_get(&x->counters.truncations), 1);
	end(x);
}

/* As above, while it runs, and though it has kept the file's beginning. */
Test(file_changes, truncated_and_grown_between_two_looks_it_is_read_from_its_beginning)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	char *lines = many_lines(100);
	append(x, "a.log", lines);
	start_following(x);
	put(x, "a.log", lines, 1008, O_TRUNC);
	append(x, "a.log", "another line\n");
	append(x, "a.log", lines);
	step_until(x, x->got_length == 1600 + 1008 + 13 + 1600);
	cr_expect_str_eq(x->said, "file written anew\n");
	free(lines);
	end(x);
}

static void cut(struct fixture *x, const char *name, off_t length)
{
	struct text path = in_directory(x, name);
	cr_assert_eq(truncate(path.bytes, length), 0);
	free((char *)(uintptr_t)path.bytes);
}

static void expect_lines_and(struct fixture *x, const char *lines, const char *more)
{
	char *all;
	cr_assert_gt(asprintf(&all, "%s%s", lines, more), 0);
	expect_got(x, all);
	free(all);
}

/* A hundred lines, 1,600 bytes, of a.log are read, which is remembered, and nothing runs. */
static struct fixture *set_up_read(char **ret_lines)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	*ret_lines = many_lines(100);
	append(x, "a.log", *ret_lines);
	start_following(x);
	remember(x);
	stop(x);
	return x;
}

/* As after a power cut: what its writer had not synced is not there any more. */
Test(file_changes, file_that_lost_its_end_while_nothing_ran_is_read_on_at_the_end_that_it_has)
{
	char *lines;
	struct fixture *x = set_up_read(&lines);
	x->boot++;
	cut(x, "a.log", 1000); /* within a line */
	start_following(x);
	expect_lines_and(x, lines, "");
	cr_expect_str_eq(x->said, "file lost its end\n");
	cr_expect(strstr(x->details, "read=1600 size=1000"), "%s", x->details);
	append(x, "a.log", "more\n");
	expect_lines_and(x, lines, "more\n");
	remember(x);
	crash_following(x);
	append(x, "a.log", "still more\n");
	expect_lines_and(x, lines, "more\nstill more\n");
	cr_expect_str_eq(x->said, "file lost its end\n");
	free(lines);
	end(x);
}

Test(file_changes, file_that_lost_its_end_is_read_on_once_too)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	char *lines = many_lines(100);
	append(x, "a.log", lines);
	read_once(x);
	x->boot++;
	cut(x, "a.log", 800);
	read_once(x);
	append(x, "a.log", "more\n");
	read_once(x);
	cr_expect(strcmp(x->got + 1600, "more\n") == 0, "%s", x->got + 1600);
	free(lines);
	tear_down(x);
}

/* Nobody but who writes it has cut it then. */
Test(file_changes,
     file_that_became_shorter_under_one_start_of_the_machine_is_read_from_its_beginning)
{
	char *lines;
	struct fixture *x = set_up_read(&lines);
	cut(x, "a.log", 1600 - 16);
	start_following(x);
	step_until(x, x->got_length == 1600 + 1600 - 16);
	cr_expect_str_eq(x->said, "file truncated\n");
	free(lines);
	end(x);
}

Test(file_changes,
     file_that_is_whole_after_the_machine_was_started_again_loses_nothing_to_that_any_more)
{
	char *lines;
	struct fixture *x = set_up_read(&lines);
	x->boot++;
	start_following(x);
	remember(x);
	cut(x, "a.log", 1600 - 16);
	step_until(x, x->got_length == 1600 + 1600 - 16);
	cr_expect_str_eq(x->said, "file truncated\n");
	remember(x);
	stop(x);
	cut(x, "a.log", 800);
	start_following(x);
	step_until(x, x->got_length == 1600 + 1600 - 16 + 800);
	free(lines);
	end(x);
}

Test(file_changes, shorter_file_with_another_beginning_or_hardly_any_is_read_from_it)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	char *lines = many_lines(100);
	append(x, "a.log", lines);
	append(x, "b.log", lines);
	start_following(x);
	remember(x);
	stop(x);
	x->boot++;
	cut(x, "a.log", 240);
	cut(x, "b.log", 1000);
	put(x, "b.log", "x", 1, 0);
	start(x, false);
	step_until(x, x->got_length == 3200 + 240 + 1000 - 8);
	cr_expect_str_eq(x->said, "file truncated\nfile truncated\n");
	free(lines);
	end(x);
}

Test(file_changes, compressed_file_that_lost_only_what_gave_no_record_is_read_on)
{
	struct fixture *x = set_up_remembering("*.zst", NULL);
	char *lines = many_lines(100), second[4096];
	append_frame(x, "a.zst", lines);
	size_t n = ZSTD_compress(second, sizeof second, lines, 800, 3);
	put(x, "a.zst", second, n / 2, O_APPEND);
	start_following(x);
	remember(x);
	stop(x);
	struct text path = in_directory(x, "a.zst");
	struct stat st;
	cr_assert_eq(stat(path.bytes, &st), 0);
	off_t whole = st.st_size - (off_t)(n / 2);
	x->boot++;
	cut(x, "a.zst", st.st_size - 10);
	start_following(x);
	expect_lines_and(x, lines, "");
	put(x, "a.zst", second + n / 2 - 10, n - n / 2 + 10, O_APPEND);
	step_until(x, x->got_length == 2400);
	cr_expect_str_eq(x->said, "file lost its end\n");
	remember(x);
	stop(x);
	x->boot++;
	cut(x, "a.zst", whole + 20); /* of what was handed on */
	start_following(x);
	step_until(x, x->got_length == 4000);
	cr_expect(has_said(x, "file truncated"));
	free((char *)(uintptr_t)path.bytes);
	free(lines);
	end(x);
}

Test(file_changes, inode_that_is_another_file_s_by_now_is_read_from_its_beginning)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	struct text path = in_directory(x, "a.log");
	struct stat before, after = {.st_ino = 0};
	append(x, "a.log", "one\ntwo\n");
	start_following(x);
	remember(x);
	stop(x);
	cr_assert_eq(stat(path.bytes, &before), 0);
	for (int i = 0; i < 100 && after.st_ino != before.st_ino; i++) {
		delete_file(x, "a.log");
		append(x, "a.log", "one\ntwo\nthree\n"); /* the same beginning */
		cr_assert_eq(stat(path.bytes, &after), 0);
	}
	start(x, false);
	expect_got(x, "one\ntwo\none\ntwo\nthree\n");
	free((char *)(uintptr_t)path.bytes);
	end(x);
}

Test(file_changes, file_gone_before_it_was_read_whole_is_said_once_and_counted)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\nand");
	append(x, "b.log", "two\n");
	start_following(x);
	remember(x);
	stop(x);
	delete_file(x, "a.log");
	start_following(x);
	cr_expect_str_eq(x->said, "file gone\n");
	cr_expect_not_null(strstr(x->details, "a.log offset=4 "), "%s", x->details);
	cr_expect_eq(counter_get(&x->counters.errors), 1);
	remember(x);
	crash_following(x);
	cr_expect_str_eq(x->said, "file gone\n");
	cr_expect_eq(counter_get(&x->counters.errors), 1);
	end(x);
}

Test(file_changes, file_gone_after_it_was_read_whole_is_nothing_to_say)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\n");
	append(x, "b.log", "two\n");
	start_following(x);
	remember(x);
	stop(x);
	delete_file(x, "a.log");
	start_following(x);
	cr_expect_str_eq(x->said, "");
	end(x);
}

static size_t entries(const struct fixture *x)
{
	const struct epoch_stage *s = epoch_map_stage(&x->remembered, "files");
	return s ? s->count : 0;
}

Test(file_changes, file_that_comes_back_is_known_until_ignore_older)
{
	struct fixture *x = set_up_remembering("d/*.log", "*.log");
	const uint64_t day_ns = UINT64_C(86400000000000);
	x->options.ignore_older_ns = 30 * day_ns;
	make_directory(x, "d");
	append(x, "d/a.log", "one\n");
	append(x, "b.log", "two\n");
	start_following(x);
	remember(x);
	stop(x);
	move_file(x, "d", "not-mounted");
	start_following(x);
	remember(x);
	stop(x);
	x->skew_ns += 29 * day_ns;
	move_file(x, "not-mounted", "d");
	append(x, "d/a.log", "three\n");
	start(x, false);
	expect_got(x, "one\ntwo\nthree\n");
	remember(x);
	stop(x);
	cr_expect_eq(entries(x), 2);
	move_file(x, "d", "not-mounted");
	start_following(x);
	remember(x);
	x->skew_ns += 31 * day_ns;
	append(x, "b.log", "x\n");
	step_until(x, strstr(x->got, "x\n"));
	remember(x);
	cr_expect_eq(entries(x), 1);
	end(x);
}

Test(file_changes, deleted_while_it_was_read_and_read_to_its_end_it_is_forgotten)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\n");
	start_following(x);
	remember(x);
	cr_expect_eq(entries(x), 1);
	append(x, "a.log", "two\ntail");
	delete_file(x, "a.log");
	expect_got(x, "one\ntwo\ntail\n");
	read_all(x);
	remember(x);
	cr_expect_eq(entries(x), 0);
	end(x);
}
