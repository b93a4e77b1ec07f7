/* The file source with `multiline`: whose lines, when a record that nothing comes to is handed on, and where it is read on; and where
 * in which file each record stands. */
#include "tests/unit/stages/file_source_fixture.h"
#include "tests/unit/stages/multiline_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(file_multiline, .fini = multiline_forget);

#define SECONDS(n) ((n)*UINT64_C(1000000000))

static struct fixture *set_up_joining(const char *options)
{
	struct fixture *x = set_up_remembering("*", NULL);
	x->options.joins = true;
	x->options.multiline = *multiline_from(options);
	x->shows_places = true;
	return x;
}

static void pass(struct fixture *x, uint64_t ns)
{
	x->skew_ns += ns;
	read_all(x);
}

/* ---- when ---- */

Test(file_multiline, record_is_handed_on_when_the_next_begins_and_the_last_at_the_end)
{
	struct fixture *x = set_up_joining("start: '^S'");
	append(x, "a.log", "S1\na\nS2\nb\n");
	append(x, "b.log", "S3\nc");
	read_once(x);
	cr_expect_str_eq(x->got, "a.log@0: S1\na\na.log@5: S2\nb\nb.log@0: S3\nc\n");
	tear_down(x);
}

Test(file_multiline, followed_record_is_handed_on_when_nothing_has_come_for_so_long)
{
	struct fixture *x = set_up_joining("start: '^S', timeout: 10s");
	append(x, "a.log", "S1\na\n");
	start_following(x);
	cr_expect_str_eq(x->got, "");
	pass(x, SECONDS(6));
	append(x, "a.log", "b\n");
	read_all(x);
	pass(x, SECONDS(6)); /* since it grew */
	cr_expect_str_eq(x->got, "");
	pass(x, SECONDS(5));
	expect_got(x, "a.log@0: S1\na\nb\n");
	append(x, "a.log", "c\nS2\n");
	expect_got(x, "a.log@0: S1\na\nb\na.log@7: c\n");
	end(x);
}

Test(file_multiline, each_file_waits_for_itself_and_keeps_its_lines_to_itself)
{
	struct fixture *x = set_up_joining("start: '^S', timeout: 10s");
	append(x, "a.log", "S1\n");
	append(x, "b.log", "S2\n");
	start_following(x);
	pass(x, SECONDS(6));
	for (int i = 0; i < 3; i++) {
		append(x, "a.log", "a\n");
		read_all(x);
		append(x, "b.log", "b\n");
		read_all(x);
	}
	pass(x, SECONDS(6));
	append(x, "b.log", "more\n");
	read_all(x);
	cr_expect_str_eq(x->got, "");
	pass(x, SECONDS(5));
	expect_got(x, "a.log@0: S1\na\na\na\n");
	pass(x, SECONDS(6));
	expect_got(x, "a.log@0: S1\na\na\na\nb.log@0: S2\nb\nb\nb\nmore\n");
	end(x);
}

Test(file_multiline, line_without_its_end_is_waited_for_while_the_lines_before_it_go_on)
{
	struct fixture *x = set_up_joining("start: '^S', timeout: 1s");
	append(x, "a.log", "S1\na\nhalf");
	start_following(x);
	pass(x, SECONDS(2));
	expect_got(x, "a.log@0: S1\na\n");
	append(x, "a.log", " a line\nS2\n");
	expect_got(x, "a.log@0: S1\na\na.log@5: half a line\n");
	end(x);
}

Test(file_multiline, renamed_file_is_read_to_its_end_and_the_new_one_begins_a_record)
{
	struct fixture *x = set_up_joining("start: '^S', timeout: 1s");
	append(x, "a.log", "S1\na\n");
	start_following(x);
	move_file(x, "a.log", "b.log");
	append(x, "b.log", "b\n");
	append(x, "a.log", "c\nS2\n");
	step_until(x, strstr(x->got, "c\n"));
	pass(x, SECONDS(2));
	step_until(x, strstr(x->got, "S2"));
	step_until(x, strstr(x->got, "S1"));
	cr_expect(strstr(x->got, "@0: S1\na\nb\n"), "%s", x->got);
	cr_expect(strstr(x->got, "a.log@0: c\n"), "%s", x->got);
	end(x);
}

static void write_to_pipe(struct fixture *x, int *fd, const char *text)
{
	struct text path = in_directory(x, "pipe");
	if (*fd < 0)
		*fd = open(path.bytes, O_RDWR);
	cr_assert_eq(write(*fd, text, strlen(text)), (ssize_t)strlen(text));
	free((char *)(uintptr_t)path.bytes);
}

Test(file_multiline, record_of_a_pipe_that_stays_silent_is_handed_on)
{
	struct fixture *x = set_up_joining("start: '^S', timeout: 1s");
	struct text path = in_directory(x, "pipe");
	int fd = -1;
	cr_assert_eq(mkfifo(path.bytes, 0644), 0);
	free((char *)(uintptr_t)path.bytes);
	free((char *)(uintptr_t)x->paths[0].bytes);
	x->paths[0] = in_directory(x, "pipe");
	write_to_pipe(x, &fd, "S1\na\n");
	start(x, false);
	step_until(x, counter_get(&x->counters.work_done) == 5);
	cr_expect_str_eq(x->got, "");
	x->skew_ns += SECONDS(2);
	expect_got(x, "pipe@0: S1\na\n");
	write_to_pipe(x, &fd, "b\nS2\n");
	expect_got(x, "pipe@0: S1\na\npipe@5: b\n");
	close(fd);
	end(x);
}

/* ---- where it goes on ---- */

Test(file_multiline, record_that_is_not_complete_comes_whole_after_a_crash)
{
	struct fixture *x = set_up_joining("start: '^S', timeout: 10s");
	append(x, "a.log", "S1\na\nS2\nb\n");
	start_following(x);
	remember(x);
	append(x, "a.log", "c\n");
	crash_following(x);
	append(x, "a.log", "d\nS3\n");
	expect_got(x, "a.log@0: S1\na\na.log@5: S2\nb\nc\nd\n");
	end(x);
}

Test(file_multiline, cut_record_is_cut_in_the_same_places_after_a_crash)
{
	struct fixture *x = set_up_joining("start: '^S', max_lines: 3, timeout: 10s");
	append(x, "a.log", "S1\n1\n2\n3\n4\n");
	start_following(x);
	remember(x);
	crash_following(x);
	append(x, "a.log", "5\n6\nS2\n");
	expect_got(x, "a.log@0: S1\n1\n2\na.log@7: 3\n4\n5\na.log@13: 6\n");
	end(x);
}

Test(file_multiline, run_once_again_it_goes_on_behind_the_last_record)
{
	struct fixture *x = set_up_joining("start: '^S'");
	append(x, "a.log", "S1\na\n");
	read_once(x);
	append(x, "a.log", "b\nS2\n");
	read_once(x);
	cr_expect_str_eq(x->got, "a.log@0: S1\na\na.log@5: b\na.log@7: S2\n");
	tear_down(x);
}

/* ---- offsets ---- */

Test(file_multiline, offsets_count_what_compressed_files_unpack_to_also_after_a_crash)
{
	struct fixture *x = set_up_joining("start: '^S', timeout: 10s");
	append_frame(x, "a.zst", "S1\na\nS2\n");
	append_frame(x, "a.zst", "b\nS3\n");
	append_member(x, "b.gz", "S4\nc\n");
	append_member(x, "b.gz", "S5\n");
	start_following(x);
	remember(x);
	crash_following(x);
	append_frame(x, "a.zst", "d\nS6\n");
	append_member(x, "b.gz", "S7\n");
	step_until(x, strstr(x->got, "S3") && strstr(x->got, "S5"));
	cr_expect(strstr(x->got, "a.zst@0: S1\na\na.zst@5: S2\nb\n"), "%s", x->got);
	cr_expect(strstr(x->got, "a.zst@10: S3\nd\n"), "%s", x->got);
	cr_expect(strstr(x->got, "b.gz@0: S4\nc\n"), "%s", x->got);
	cr_expect(strstr(x->got, "b.gz@5: S5\n"), "%s", x->got);
	end(x);
}

Test(file_multiline, offsets_of_plain_lines_are_those_in_the_file)
{
	struct fixture *x = set_up_joining("start: '.'");
	x->options.joins = false;
	append(x, "a.log", "one\ntwo\n");
	append_member(x, "b.gz", "three\nfour\n");
	read_once(x);
	append(x, "a.log", "five\n");
	read_once(x);
	cr_expect_str_eq(
	    x->got, "a.log@0: one\na.log@4: two\nb.gz@0: three\nb.gz@6: four\na.log@8: five\n");
	tear_down(x);
}

/* More than one turn brings, and than one read does. */
Test(file_multiline, record_of_many_reads_comes_whole_though_others_have_their_turns)
{
	enum { LINES = 100000 };
	struct fixture *x = set_up_joining("start: '^S', max_lines: 1000000, max_bytes: 4MiB");
	char *text = many_lines(LINES);
	append(x, "a.log", "S1\n");
	append(x, "a.log", text);
	append(x, "b.log", "S2\n");
	start(x, false);
	append(x, "a.log", "S3\n");
	append(x, "b.log", "S4\n");
	step_until(x, counter_get(&x->counters.records_in) == 2);
	cr_expect(strstr(x->got, "b.log@0: S2\n"));
	cr_expect(strstr(x->got, text));
	free(text);
	end(x);
}
