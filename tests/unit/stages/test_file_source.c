/* The file source over real files and the plain backend, with a clock that can be put forward. */
#include "tests/unit/stages/file_source_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zstd.h>

/* ---- once ---- */

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
	x->options.exclude = (struct text_list){x->excludes, 1};
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

Test(file_source, compressed_files_are_recognised_by_name_or_first_bytes)
{
	struct fixture *x = set_up("*", NULL);
	append_frame(x, "a.zst", "one\ntwo");
	append_frame(x, "a.zst", "-and-a-half\n");
	append_frame(x, "b", "three\nfour");
	append(x, "c", "(");
	append(x, "d.zst", "");
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo-and-a-half\nthree\nfour\n(\n");
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	cr_expect_eq(counter_get(&x->counters.work_done), counter_get(&x->counters.work_total));
	stop(x);
	tear_down(x);
}

Test(file_source, damaged_compressed_file_gives_its_whole_lines_and_an_error_and_others_go_on)
{
	struct fixture *x = set_up("*.zst", NULL);
	append_frame(x, "a.zst", "one\ntwo\nthr");
	append(x, "a.zst", "this is no frame");
	append_frame(x, "b.zst", "four\n");
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo\nfour\n");
	cr_expect_str_eq(x->said, "file damaged\n");
	cr_expect_eq(counter_get(&x->counters.errors), 1);
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

static void make_pipe(struct fixture *x, const char *name)
{
	struct text path = in_directory(x, name);
	cr_assert_eq(mkfifo(path.bytes, 0644), 0);
	free((char *)(uintptr_t)path.bytes);
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

Test(file_source, compressed_file_that_grows_is_read_once_up_to_the_size_it_had_when_it_was_opened)
{
	struct fixture *x = set_up("a.zst", NULL);
	char *lines = many_lines(40000);
	size_t room = ZSTD_compressBound(strlen(lines));
	char *packed = malloc(room);
	size_t n = ZSTD_compress(packed, room, lines, strlen(lines), 1);
	cr_assert_gt(n, 200000);
	put(x, "a.zst", packed, n, O_APPEND);
	start(x, true);
	step_until(x, x->got_length > 0);
	append_frame(x, "a.zst", "late\n");
	run_on(x);
	cr_expect_str_eq(x->got, lines);
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	free(packed);
	free(lines);
	stop(x);
	tear_down(x);
}

Test(file_source, file_that_has_bytes_and_no_size_is_read_once_to_its_end)
{
	struct fixture *x = set_up("none", NULL);
	x->paths[1] = (struct text){.bytes = strdup("/proc/self/limits"), .length = 17};
	x->options.paths = (struct text_list){x->paths + 1, 1};
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_not_null(strstr(x->got, "Max open files"));
	stop(x);
	tear_down(x);
}

Test(file_source, wildcards_pass_over_what_is_no_regular_file)
{
	struct fixture *x = set_up("*", NULL);
	make_pipe(x, "pipe");
	append(x, "a.log", "one\n");
	struct text link_path = in_directory(x, "link"), pipe_path = in_directory(x, "pipe");
	cr_assert_eq(symlink("/dev/zero", link_path.bytes), 0);
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\n");
	cr_expect_str_eq(x->said, "passed over\npassed over\n");
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	free((char *)(uintptr_t)link_path.bytes);
	free((char *)(uintptr_t)pipe_path.bytes);
	stop(x);
	tear_down(x);
}

Test(file_source, pipe_named_outright_is_waited_for_and_read_once)
{
	struct fixture *x = set_up("*", "pipe");
	make_pipe(x, "pipe");
	start(x, true);
	step_until(x, x->said[0]);
	for (int i = 0; i < 3; i++) {
		x->skew_ns += UINT64_C(1000000000);
		for (int j = 0; j < 5; j++)
			cr_expect_neq(step(x), STEP_DONE);
	}
	cr_expect_str_eq(x->said, "waiting for a writer\n");
	struct text path = in_directory(x, "pipe");
	int writer = open(path.bytes, O_WRONLY);
	cr_assert_eq(write(writer, "one\ntwo", 7), 7);
	close(writer);
	x->skew_ns += UINT64_C(1000000000);
	run_on(x);
	cr_expect_str_eq(x->got, "one\ntwo\n");
	free((char *)(uintptr_t)path.bytes);
	stop(x);
	tear_down(x);
}

Test(file_source, device_named_outright_ends_when_it_gives_nothing)
{
	struct fixture *x = set_up("none", NULL);
	x->paths[1] = (struct text){.bytes = strdup("/dev/null"), .length = 9};
	x->options.paths = (struct text_list){x->paths + 1, 1};
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->said, "");
	cr_expect_eq(counter_get(&x->counters.errors), 0);
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
	x->options.exclude = (struct text_list){x->excludes, 1};
	cr_expect_eq(run_once(x), -ENOENT);
	cr_expect_str_eq(x->said, "nothing matched\n");
	stop(x);
	tear_down(x);
}

static const char gzip_text[] = "\x1f\x8b\x08 what follows is binary\n";

Test(file_source, gzip_is_recognised_by_name_or_first_bytes)
{
	struct fixture *x = set_up("*", NULL);
	append_member(x, "a.gz", "one\ntwo");
	append_member(x, "a.gz", "");
	append_member(x, "a.gz", "-and-a-half\n");
	append_member(x, "b", "three\nfour");
	append(x, "c", "\x1f");
	append(x, "d", "\x1fz");
	append(x, "e.gz", "");
	append_frame(x, "f.zst", "five\n");
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo-and-a-half\nthree\nfour\n\x1f\n\x1fz\nfive\n");
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	cr_expect_eq(counter_get(&x->counters.work_done), counter_get(&x->counters.work_total));
	stop(x);
	tear_down(x);
}

Test(file_source, gzip_asked_for_is_read_whatever_the_name)
{
	struct fixture *x = set_up("*", NULL);
	append_member(x, "a.zst", "one\n");
	append(x, "b", "this is no gzip\n");
	x->options.compression = 3; /* gzip */
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\n");
	cr_expect_str_eq(x->said, "file damaged\n");
	cr_expect_not_null(strstr(x->details, "error=incorrect header check"));
	stop(x);
	tear_down(x);
}

Test(file_source, cut_gzip_gives_its_whole_lines_and_an_error_and_others_go_on)
{
	struct fixture *x = set_up("*", NULL);
	char packed[1024];
	append_member(x, "a.gz", "one\n");
	size_t n = pack_member(packed, sizeof packed, "two\nthree");
	put(x, "a.gz", packed, n - 1, O_APPEND);
	append_member(x, "b.gz", "four\n");
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, "one\ntwo\nfour\n");
	cr_expect_str_eq(x->said, "file damaged\n");
	cr_expect_not_null(strstr(x->details, "a.gz offset="));
	cr_expect_not_null(strstr(x->details, "it ends within what is compressed"));
	cr_expect_eq(counter_get(&x->counters.errors), 1);
	stop(x);
	tear_down(x);
}

Test(file_source, gzip_without_compression_is_bytes)
{
	struct fixture *x = set_up("*", NULL);
	append(x, "a", gzip_text);
	x->options.compression = 1; /* none */
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->got, gzip_text);
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	stop(x);
	tear_down(x);
}

/* ---- follow ---- */

static struct fixture *following(const char *pattern, const char *name, const char *text)
{
	struct fixture *x = set_up(pattern, NULL);
	if (name)
		append(x, name, text);
	start(x, false);
	if (name)
		step_until(x, x->got_length > 0);
	else
		step_until(x, x->wake_at_ns > 0);
	return x;
}

Test(file_source, followed_line_waits_for_its_delimiter)
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

Test(file_source, line_growing_byte_by_byte_among_others_comes_out_whole)
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

Test(file_source, renamed_file_is_read_on_and_its_successor_from_the_beginning)
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

Test(file_source, file_renamed_and_replaced_before_it_was_looked_at_is_read_all_the_same)
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

Test(file_source, file_renamed_to_a_name_that_matches_goes_on_under_it)
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

Test(file_source, renamed_file_that_stays_quiet_is_closed_and_its_last_line_comes_out)
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

Test(file_source, deleted_file_is_finished_and_a_new_one_of_that_name_is_read_whole)
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

Test(file_source, truncated_file_is_read_from_its_beginning_and_counted)
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

Test(file_source, new_directories_are_watched_and_what_is_in_them_is_read)
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

Test(file_source, link_to_a_file_elsewhere_is_followed)
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

Test(file_source, growing_compressed_file_is_read_on_from_its_open_frame)
{
	struct fixture *x = following("*.zst", NULL, NULL);
	char text[600], packed[1024];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 6 == 5 ? '\n' : (char)('a' + i / 6 % 26);
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_inBuffer in = {text, 0, 0};
	size_t written = 0;
	for (size_t part = 100; part <= sizeof text; part += 100) {
		ZSTD_outBuffer out = {packed, sizeof packed, 0};
		in.size = part;
		bool last = part == sizeof text;
		cr_assert_eq(ZSTD_compressStream2(c, &out, &in, last ? ZSTD_e_end : ZSTD_e_flush),
			     0);
		put(x, "a.zst", packed, out.pos, O_APPEND);
		/* another one takes the decompressor in between */
		append_frame(x, "b.zst", "other\n");
		written += 6;
		step_until(x, x->got_length == part / 6 * 6 + written);
	}
	ZSTD_freeCCtx(c);
	char *other;
	while ((other = strstr(x->got, "other\n")))
		memmove(other, other + 6, strlen(other + 6) + 1);
	cr_expect_eq(memcmp(x->got, text, sizeof text), 0);
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	end(x);
}

Test(file_source, members_and_frames_that_take_turns_are_read_on_as_they_come)
{
	struct fixture *x = following("*", "a.log", "one\n");
	char text[16];
	size_t length = 4;
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "gzip %d\n", i);
		append_member(x, "a.gz", text);
		length += strlen(text);
		snprintf(text, sizeof text, "zstd %d\n", i);
		append_frame(x, "b.zst", text);
		length += strlen(text);
		step_until(x, x->got_length == length);
	}
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	end(x);
}

Test(file_source,
     followed_damaged_gzip_is_said_once_under_all_its_names_and_read_when_it_is_another)
{
	struct fixture *x = following("*.log*", "a.log", "one\n");
	append(x, "a.log.1", gzip_text);
	step_until(x, x->said[0]);
	append(x, "a.log.1", gzip_text);
	move_file(x, "a.log.1", "a.log.2");
	append(x, "a.log", "two\n");
	expect_got(x, "one\ntwo\n");
	cr_expect_str_eq(x->said, "file damaged\n");
	put(x, "a.log.2", "x\n", 2, O_TRUNC);
	x->skew_ns += UINT64_C(20000000000);
	expect_got(x, "one\ntwo\nx\n");
	cr_expect_eq(counter_get(&x->counters.errors), 1);
	end(x);
}

Test(file_source, more_files_than_descriptors_are_all_followed)
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

Test(file_source, silent_pipe_keeps_no_other_file_waiting)
{
	struct fixture *x = set_up("pipe", "*.log");
	struct text pipe_path = in_directory(x, "pipe");
	cr_assert_eq(mkfifo(pipe_path.bytes, 0644), 0);
	int writer = open(pipe_path.bytes, O_RDWR);
	start(x, false);
	cr_assert_eq(write(writer, "from the pi", 11), 11);
	step_until(x, counter_get(&x->counters.work_done) == 11);
	append(x, "a.log", "one\n");
	expect_got(x, "one\n");
	cr_assert_eq(write(writer, "pe\n", 3), 3);
	expect_got(x, "one\nfrom the pipe\n");
	close(writer);
	free((char *)(uintptr_t)pipe_path.bytes);
	end(x);
}

static size_t open_descriptors(void)
{
	size_t n = 0;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int open_pipe(struct fixture *x, const char *name)
{
	make_pipe(x, name);
	struct text path = in_directory(x, name);
	int fd = open(path.bytes, O_RDWR | O_NONBLOCK);
	cr_assert_geq(fd, 0);
	free((char *)(uintptr_t)path.bytes);
	return fd;
}

static void fill_pipe(int fd, const char *text)
{
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static bool is_empty(int fd)
{
	char byte;
	return read(fd, &byte, 1) < 0 && errno == EAGAIN;
}

Test(file_source, deleted_pipe_is_read_until_its_writers_are_gone_and_closed)
{
	struct fixture *x = set_up("pipe", NULL);
	int fd = open_pipe(x, "pipe");
	start(x, false);
	fill_pipe(fd, "one\n");
	expect_got(x, "one\n");
	delete_file(x, "pipe");
	fill_pipe(fd, "two\ntail");
	expect_got(x, "one\ntwo\n");
	size_t open_before = open_descriptors();
	close(fd);
	x->skew_ns += UINT64_C(1000000000);
	expect_got(x, "one\ntwo\ntail\n");
	step_until(x, open_descriptors() == open_before - 2);
	cr_expect_eq(counter_get(&x->counters.truncations), 0);
	end(x);
}

Test(file_source, told_to_stop_it_hands_on_what_the_pipes_hold_and_a_beginning_it_put_aside)
{
	struct fixture *x = set_up("pipe-1", "*.log");
	x->paths[2] = in_directory(x, "pipe-2");
	x->options.paths.count = 3;
	int one = open_pipe(x, "pipe-1"), two = open_pipe(x, "pipe-2");
	append(x, "a.log", "regular\nunfinished");
	start(x, false);
	fill_pipe(one, "be");
	fill_pipe(two, "second\n");
	step_until(x, counter_get(&x->counters.work_done) >= 2 + 7 + 18 && x->got_length == 15);
	x->got_length = 0;
	char *lines = many_lines(4000); /* 64000 bytes: about what a pipe takes */
	fill_pipe(one, "ginning\n");
	fill_pipe(two, lines);
	fill_pipe(two, "end");
	append(x, "a.log", " for the next run\n");
	x->stage.stopping = true;
	run_on(x);
	cr_expect_not_null(strstr(x->got, "beginning\n"));
	cr_expect_not_null(strstr(x->got, lines));
	cr_expect_not_null(strstr(x->got, "\nend\n"));
	cr_expect_null(strstr(x->got, "run"));
	cr_expect_eq(x->got_length, 10 + 64000 + 4);
	cr_expect(is_empty(one) && is_empty(two));
	free(lines);
	close(one);
	close(two);
	end(x);
}

Test(file_source, told_to_stop_it_ends_though_a_writer_goes_on)
{
	struct fixture *x = set_up("pipe", NULL);
	int fd = open_pipe(x, "pipe");
	start(x, false);
	fill_pipe(fd, "before\n");
	expect_got(x, "before\n");
	x->stage.stopping = true;
	int r = STEP_MORE, steps = 0;
	for (; r != STEP_DONE; steps++) {
		cr_assert_lt(steps, 1000);
		fill_pipe(fd, "and on\n");
		r = step(x);
	}
	cr_expect_not(is_empty(fd));
	close(fd);
	end(x);
}

/* The reader waits for a byte that another one took away. */
Test(file_source, told_to_stop_it_ends_when_somebody_else_takes_what_the_pipe_held)
{
	for (int steps = 1; steps < 8; steps++) {
		struct fixture *x = set_up("pipe", NULL);
		int fd = open_pipe(x, "pipe");
		char text[8];
		start(x, false);
		fill_pipe(fd, "before\n");
		expect_got(x, "before\n");
		x->stage.stopping = true;
		struct batch *b = NULL;
		int r = STEP_WAIT;
		for (int i = 0; i < steps && r != STEP_DONE; i++) {
			fill_pipe(fd, "taken");
			r = file_source_next(&x->stage, &b);
			if (b)
				batch_free(&b);
			cr_assert_eq(read(fd, text, 5), 5);
			backend_poll(x->backend);
		}
		if (r != STEP_DONE)
			run_on(x);
		close(fd);
		end(x);
	}
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

/* ---- files that cannot be read for a while ---- */

static struct {
	const struct io_ops *ops; /* of the backend */
	enum io_code code;
	int error;
	int left; /* so many fail */
} trouble;

static int answer_trouble(void *argument)
{
	(void)argument;
	return trouble.error;
}

static void submit_in_trouble(struct io *io, struct io_op *op)
{
	if (op->code == trouble.code && !op->stream && trouble.left > 0) {
		trouble.left--;
		op->code = IO_WORK;
		op->work.run = answer_trouble;
	}
	trouble.ops->submit(io, op);
}

static void cancel_in_trouble(struct io *io, struct io_op *op)
{
	trouble.ops->cancel(io, op);
}

static const struct io_ops ops_in_trouble = {.submit = submit_in_trouble,
					     .cancel = cancel_in_trouble};

static struct fixture *follow_in_trouble(enum io_code code, int error, int times)
{
	struct fixture *x = set_up("*.log", NULL);
	trouble.ops = x->backend->io.ops;
	trouble.code = code;
	trouble.error = error;
	trouble.left = times;
	x->backend->io.ops = &ops_in_trouble;
	append(x, "a.log", "one\n");
	start(x, false);
	return x;
}

/* A disk that was slow to come back, a server that was away: nothing tells when it is over. */
static void is_read_on(enum io_code code, int error)
{
	struct fixture *x = follow_in_trouble(code, error, 3);
	for (int i = 0; i < 3; i++) {
		step_until(x, trouble.left == 2 - i);
		read_all(x);
		cr_expect_eq(x->got_length, 0);
		x->skew_ns += UINT64_C(31000000000);
	}
	step_until(x, x->got_length == 4);
	cr_expect_str_eq(x->said, "file unreadable\n");
	end(x);
}

Test(file_source, followed_file_that_cannot_be_read_is_tried_again_and_told_once)
{
	is_read_on(IO_READ, -EIO);
}

Test(file_source, followed_file_that_cannot_be_opened_is_tried_again_and_told_once)
{
	is_read_on(IO_OPEN, -EACCES);
}

Test(file_source, interrupted_operations_are_repeated_at_once)
{
	static const struct {
		enum io_code code;
		int error;
	} cases[] = {{IO_OPEN, -EINTR}, {IO_READ, -EINTR}, {IO_READ, -EAGAIN}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture *x = follow_in_trouble(cases[i].code, cases[i].error, 3);
		step_until(x, x->got_length == 4);
		cr_expect_str_eq(x->said, "");
		end(x);
	}
}
