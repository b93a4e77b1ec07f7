/* The file source that remembers: ended anywhere, it goes on where the last thing remembered says. */
#include "tests/unit/stages/file_source_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

/* ---- once, and once more ---- */

Test(file_resuming, run_once_again_it_reads_only_what_is_new)
{
	struct fixture *x = set_up_remembering("*", NULL);
	append(x, "a.log", "one\n");
	append_frame(x, "b.zst", "two\n");
	append_member(x, "c.gz", "three\n");
	read_once(x);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\n");
	read_once(x);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\n");
	append(x, "a.log", "four\n");
	append_frame(x, "b.zst", "five\n");
	append_member(x, "c.gz", "six\n");
	append(x, "d.log", "seven\n");
	read_once(x);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
	cr_expect_eq(counter_get(&x->counters.work_total), counter_get(&x->counters.work_done));
	cr_expect_str_eq(x->said, "");
	tear_down(x);
}

Test(file_resuming, last_line_without_a_delimiter_comes_once_and_what_is_added_to_it_on_its_own)
{
	struct fixture *x = set_up_remembering("*", NULL);
	append(x, "a.log", "one\ntwo");
	append(x, "b.log", "three");
	append_frame(x, "c.zst", "four");
	read_once(x);
	append(x, "a.log", "\nmore\n");
	append(x, "b.log", "teen\n");
	append_frame(x, "c.zst", "\nfive\n");
	read_once(x);
	cr_expect_str_eq(x->got, "one\ntwo\nthree\nfour\nmore\nteen\nfive\n");
	tear_down(x);
}

Test(file_resuming, compressed_file_that_ended_within_a_frame_goes_on_when_it_is_whole)
{
	struct fixture *x = set_up_remembering("*", NULL);
	char packed[1024];
	size_t n = pack_member(packed, sizeof packed, "one\ntwo\n");
	put(x, "a.gz", packed, n - 6, 0);
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect(has_said(x, "file damaged"));
	remember(x);
	stop(x);
	put(x, "a.gz", packed + n - 6, 6, O_APPEND);
	read_once(x);
	cr_expect_str_eq(x->got, "one\ntwo\n");
	tear_down(x);
}

/* ---- ended anywhere ---- */

/* Each batch is remembered, with which all that came so far is lost. */
static void read_with_a_crash_after_each_batch(struct fixture *x)
{
	start(x, true);
	for (;;) {
		size_t before = x->got_length;
		int r = step(x);
		cr_assert_geq(r, 0);
		if (r == STEP_DONE)
			break;
		if (x->got_length == before)
			continue;
		remember(x);
		crash(x, true);
	}
	remember(x);
	stop(x);
}

static size_t mixed_lines(char *to, size_t room)
{
	size_t n = 0;
	for (int i = 0; n + 200 < room; i++) {
		size_t length = i % 3 ? (size_t)(i * 7 % 130) : 0;
		for (size_t k = 0; k < length; k++)
			to[n++] = (char)('a' + (i + (int)k) % 26);
		to[n++] = '\n';
	}
	memcpy(to + n, "the last one is long and has no newline to its end", 50);
	return n + 50;
}

static void write_forms(struct fixture *x, const char *text, size_t n)
{
	char *packed = malloc(2 * n + 1000), part[6000];
	put(x, "a.log", text, n, 0);
	size_t length = ZSTD_compress(packed, 2 * n + 1000, text, n / 2, 3);
	put(x, "b.zst", packed, length, O_APPEND);
	length = ZSTD_compress(packed, 2 * n + 1000, text + n / 2, n - n / 2, 3);
	put(x, "b.zst", packed, length, O_APPEND);
	for (size_t at = 0; at < n; at += 2500) {
		snprintf(part, sizeof part, "%.*s", (int)(n - at < 2500 ? n - at : 2500),
			 text + at);
		length = pack_member(packed, 2 * n + 1000, part);
		put(x, "c.gz", packed, length, O_APPEND);
	}
	free(packed);
}

Test(file_resuming, ended_after_any_batch_it_goes_on_with_the_next_record)
{
	static char text[10000];
	size_t n = mixed_lines(text, sizeof text - 100);
	for (uint64_t policy = 0; policy < 3; policy++) {
		struct fixture *x = set_up("*", NULL);
		x->options.framing.max_line = 40;
		x->options.framing.on_long_line = policy;
		write_forms(x, text, n);
		cr_expect_eq(run_once(x), STEP_DONE);
		stop(x);
		char *expected = strdup(x->got);
		uint64_t records = counter_get(&x->counters.records_in);
		x->got_length = 0;
		x->counters = (struct stage_counters){.files = {0}};
		x->remembers = true;
		read_with_a_crash_after_each_batch(x);
		cr_expect_str_eq(x->got, expected, "policy %d", (int)policy);
		cr_expect_eq(counter_get(&x->counters.records_in), records);
		cr_expect_eq(counter_get(&x->counters.errors), 0);
		free(expected);
		tear_down(x);
	}
}

Test(file_resuming, what_was_not_remembered_comes_again_and_the_rest_does_not)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\n");
	start_following(x);
	remember(x);
	append(x, "a.log", "two\n");
	append(x, "b.log", "three\n");
	step_until(x, x->got_length == strlen("one\ntwo\nthree\n"));
	crash_following(x);
	expect_got(x, "one\ntwo\nthree\n");
	crash_following(x);
	expect_got(x, "one\ntwo\nthree\n");
	end(x);
}

Test(file_resuming, line_that_waits_for_its_end_begins_where_it_began)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	append(x, "a.log", "one\nbegin");
	start_following(x);
	remember(x);
	crash_following(x);
	cr_expect_str_eq(x->got, "one\n");
	append(x, "a.log", "ning\n");
	expect_got(x, "one\nbeginning\n");
	end(x);
}

/* ---- where to begin ---- */

Test(file_resuming, read_from_the_end_is_for_files_that_are_not_known)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	x->options.read_from = 1;
	x->skew_ns =
	    UINT64_C(120000000000); /* so that all that is made here was there when it was noted */
	append(x, "a.log", "old\n");
	append(x, "r.log", "old\n");
	start_following(x);
	remember(x);
	stop(x);
	append(x, "a.log", "while nothing ran\n");
	append(x, "b.log", "unknown\n");
	move_file(x, "r.log", "r.log.1");
	append(x, "r.log", "successor\n");
	start_following(x);
	commit(x);
	step_until(x, x->got_length == strlen("while nothing ran\nsuccessor\n"));
	cr_expect(strstr(x->got, "while nothing ran\n") && strstr(x->got, "successor\n"));
	end(x);
}

/* Whether sluice had seen it before it was killed or not. */
Test(file_resuming,
     file_that_appeared_after_the_last_epoch_is_read_whole_though_reading_began_at_the_end)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	x->options.read_from = 1;
	append(x, "a.log", "old\n");
	start_following(x);
	commit(x);
	append(x, "b.log", "new\n");
	expect_got(x, "new\n");
	crash_following(x);
	append(x, "b.log", "and more\n");
	expect_got(x, "new\nand more\n");
	end(x);
}

Test(file_resuming, nothing_is_read_before_it_is_committed_where_reading_began)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	x->options.read_from = 1;
	append(x, "a.log", "old\n");
	start_following(x);
	cr_expect_eq(counter_get(&x->counters.awaited), 1);
	append(x, "a.log", "one\n");
	read_all(x);
	cr_expect_str_eq(x->got, "");
	commit(x);
	expect_got(x, "one\n");
	append(x, "a.log", "two\n");
	expect_got(x, "one\ntwo\n");
	crash(x, false); /* before anything else is committed */
	expect_got(x, "one\ntwo\n");
	cr_expect_eq(counter_get(&x->counters.awaited), 1, "it is known by now");
	end(x);
}

Test(file_resuming, files_that_are_too_old_are_left_alone_until_somebody_writes_to_them)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	struct text path = in_directory(x, "a.log");
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	x->options.ignore_older_ns = UINT64_C(3600000000000);
	append(x, "a.log", "old\n");
	cr_assert_eq(utimensat(AT_FDCWD, path.bytes, old, 0), 0);
	cr_expect_eq(run_once(x), STEP_DONE);
	stop(x);
	append(x, "b.log", "new\n");
	start_following(x);
	cr_expect_str_eq(x->got, "new\n");
	append(x, "a.log", "and on\n");
	expect_got(x, "new\nold\nand on\n");
	free((char *)(uintptr_t)path.bytes);
	end(x);
}

/* ---- what is remembered ---- */

Test(file_resuming, quiet_files_are_not_in_what_is_remembered_next)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	char name[32];
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "%03d.log", i);
		append(x, name, "one\n");
	}
	start(x, false);
	step_until(x, x->got_length == 800);
	read_all(x);
	cr_expect_eq(remember(x), 200);
	cr_expect_eq(remember(x), 0);
	uint64_t changes = counter_get(&x->counters.changes);
	append(x, "007.log", "two\n");
	step_until(x, x->got_length == 804);
	read_all(x);
	cr_expect_eq(counter_get(&x->counters.changes), changes);
	cr_expect_eq(remember(x), 1);
	end(x);
}

Test(file_resuming, pipes_are_not_remembered)
{
	struct fixture *x = set_up_remembering("pipe", NULL);
	struct text path = in_directory(x, "pipe");
	cr_assert_eq(mkfifo(path.bytes, 0644), 0);
	int fd = open(path.bytes, O_RDWR);
	cr_assert_eq(write(fd, "one\n", 4), 4);
	start(x, false);
	expect_got(x, "one\n");
	cr_expect_eq(remember(x), 0);
	close(fd);
	free((char *)(uintptr_t)path.bytes);
	end(x);
}

Test(file_resuming, what_is_no_position_is_refused)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	struct delta d = {.count = 0};
	cr_assert_eq(delta_put(&d, "key", 3, "value", 5), 0);
	cr_assert_eq(epoch_map_init(&x->remembered), 0);
	cr_assert_eq(epoch_map_prepare(&x->remembered, "files", 5, delta_changes(&d)), 0);
	epoch_map_apply(&x->remembered);
	delta_release(&d);
	cr_expect_eq(try_start(x, false), -EBADMSG);
	cr_expect_str_eq(x->said, "state is damaged\n");
	end(x);
}
