/* The file source over real files and the plain backend, with a clock that can be put forward: which files it reads once, and that it
 * can be stopped. */
#include "tests/unit/stages/file_source_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(file_source, reads_what_matches_once_in_the_order_of_paths)
{
	struct fixture *x = set_up("**/*.log", "a/*");
	make_directory(x, "a");
	make_directory(x, "b");
	append(x, "b/1.log", "b1\n");
	append(x, "a/2.log", "a2\nx\n");
	append(x, "0.log", "zero\n");
	append(x, "a/other", "other\n");
	append(x, "a/skipped.log", "no\n");
	x->excludes[0] = (struct text){.bytes = strdup("skip*"), .length = 5};
	x->options.exclude = (struct text_list){.items = x->excludes, .count = 1};
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "zero\na2\nx\nother\nb1\n");
	cr_expect_eq(counter_get(&x->counters.files), 4);
	cr_expect_eq(counter_get(&x->counters.records_in), 5);
	cr_expect_eq(counter_get(&x->counters.bytes_in), 19);
	cr_expect_eq(counter_get(&x->counters.work_total), 19);
	cr_expect_eq(counter_get(&x->counters.work_done), 19);
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	stop(x);
	tear_down(x);
}

Test(file_source, last_line_without_a_delimiter_is_a_record)
{
	struct fixture *x = set_up("*.log", NULL);
	append(x, "a.log", "one\ntwo");
	append(x, "b.log", "");
	append(x, "c.log", "three");
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\n");
	cr_expect_eq(x->unterminated, 2);
	stop(x);
	tear_down(x);
}

Test(file_source, nothing_matched_is_a_failure_that_says_so)
{
	struct fixture *x = set_up("*.log", NULL);
	cr_expect_eq(run_once(x), -ENOENT);
	cr_expect_str_eq(x->said, "nothing matched\n");
	stop(x);
	tear_down(x);
}

Test(file_source, missing_file_and_directory_are_said_counted_and_passed_over)
{
	struct fixture *x = set_up("missing.log", "directory");
	make_directory(x, "directory");
	append(x, "there.log", "there\n");
	x->paths[2] = in_directory(x, "there.log");
	x->options.paths.count = 3;
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "there\n");
	cr_expect_str_eq(x->said, "file unreadable\nfile unreadable\n");
	cr_expect_eq(counter_get(&x->counters.errors), 2);
	stop(x);
	tear_down(x);
}

Test(file_source, file_under_two_names_is_read_once)
{
	struct fixture *x = set_up("*", NULL);
	append(x, "a", "one\n");
	struct text a = in_directory(x, "a"), b = in_directory(x, "b"), c = in_directory(x, "c");
	cr_assert_eq(link(a.bytes, b.bytes), 0);
	cr_assert_eq(symlink(a.bytes, c.bytes), 0);
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\n");
	free((char *)(uintptr_t)a.bytes);
	free((char *)(uintptr_t)b.bytes);
	free((char *)(uintptr_t)c.bytes);
	stop(x);
	tear_down(x);
}

Test(file_source, read_from_end_leaves_out_what_was_there_at_the_start)
{
	struct fixture *x = set_up("*.log", NULL);
	append(x, "a.log", "old\n");
	x->options.read_from = 1;
	start(x, false);
	step_until(x, x->wake_at_ns > 0);
	append(x, "a.log", "new\n");
	append(x, "b.log", "whole\n");
	step_until(x, x->got_length == 10);
	cr_expect(strstr(x->got, "new\n") && strstr(x->got, "whole\n"));
	stop(x);
	tear_down(x);
}

Test(file_source, file_that_grows_is_read_once_up_to_the_size_it_had_when_it_was_opened)
{
	struct fixture *x = set_up("a.log", NULL);
	char *lines = many_lines(50000);
	append(x, "a.log", lines);
	append(x, "a.log", "tail");
	start(x, true);
	step_until(x, x->got_length > 0);
	append(x, "a.log", "-grown\nlate\n");
	run_on(x);
	cr_expect_eq(x->got_length, 50000 * 16 + 5);
	cr_expect_eq(strncmp(x->got, lines, strlen(lines)), 0);
	cr_expect_str_eq(x->got + strlen(lines), "tail\n");
	cr_expect_eq(x->unterminated, 1);
	free(lines);
	stop(x);
	tear_down(x);
}

Test(file_source, file_that_has_bytes_and_no_size_is_read_once_to_its_end)
{
	struct fixture *x = set_up("none", NULL);
	x->paths[1] = (struct text){.bytes = strdup("/proc/self/limits"), .length = 17};
	x->options.paths = (struct text_list){.items = x->paths + 1, .count = 1};
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_not_null(strstr(x->got, "Max open files"));
	stop(x);
	tear_down(x);
}

Test(file_source, missing_file_named_outright_is_said_once)
{
	struct fixture *x = set_up("missing.log", NULL);
	cr_expect_eq(run_once(x), -ENOENT);
	cr_expect_str_eq(x->said, "file unreadable\n");
	cr_expect_eq(counter_get(&x->counters.errors), 1);
	stop(x);
	tear_down(x);
}

Test(file_source, missing_file_beside_wildcards_that_match_nothing_are_both_said)
{
	struct fixture *x = set_up("missing.log", "*.txt");
	cr_expect_eq(run_once(x), -ENOENT);
	cr_expect_str_eq(x->said, "file unreadable\nnothing matched\n");
	stop(x);
	tear_down(x);
}

Test(file_source, only_file_left_out_by_exclude_is_nothing_matched)
{
	struct fixture *x = set_up("a.log", NULL);
	append(x, "a.log", "one\n");
	x->excludes[0] = (struct text){.bytes = strdup("*.log"), .length = 5};
	x->options.exclude = (struct text_list){.items = x->excludes, .count = 1};
	cr_expect_eq(run_once(x), -ENOENT);
	cr_expect_str_eq(x->said, "nothing matched\n");
	stop(x);
	tear_down(x);
}

Test(file_source, told_to_stop_it_waits_for_no_regular_file)
{
	for (int steps = 0; steps < 40; steps++) {
		struct fixture *x = set_up("*", NULL);
		append(x, "a.log", "one\n");
		append_frame(x, "b.zst", "two\n");
		start(x, false);
		for (int i = 0; i < steps; i++)
			step(x);
		x->stage.stopping = true;
		cr_expect_eq(step(x), STEP_DONE);
		end(x);
	}
}

Test(file_source, can_be_stopped_after_any_step)
{
	for (int steps = 0; steps < 60; steps++) {
		struct fixture *x = set_up("**/*", NULL);
		make_directory(x, "d");
		append(x, "a.log", "one\ntwo\ntail");
		append(x, "d/b.log", "three\n");
		append_frame(x, "c.zst", "four\n");
		start(x, steps % 2);
		for (int i = 0; i < steps; i++)
			if (step(x) == STEP_DONE)
				break;
		end(x);
	}
}
