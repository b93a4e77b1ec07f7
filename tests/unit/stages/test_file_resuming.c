/* The file source that remembers: ended anywhere, it goes on where the last thing remembered says. */
#include "tests/unit/stages/file_source_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

static void start_following(struct fixture *x)
{
	start(x, false);
	read_all(x);
}

static void crash_following(struct fixture *x)
{
	crash(x, false);
	read_all(x);
}

static void read_once(struct fixture *x)
{
	cr_expect_eq(run_once(x), STEP_DONE);
	remember(x);
	stop(x);
}

/* What it says is durable. */
static void commit(struct fixture *x)
{
	remember(x);
	file_source_type.committed(&x->stage, 1);
}

static bool has_said(const struct fixture *x, const char *event)
{
	return strstr(x->said, event) != NULL;
}

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

/* ---- renamed ---- */

Test(file_resuming, renamed_while_nothing_ran_it_is_read_on_before_its_successor)
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

Test(file_resuming, what_the_patterns_do_not_want_any_more_is_left_alone_and_known_when_they_do)
{
	struct fixture *x = set_up_remembering("*.log", NULL);
	struct text wide = x->paths[0], narrow = in_directory(x, "b.log");
	append(x, "a.log", "one\n");
	append(x, "c.log", "three\n");
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

Test(file_resuming, renamed_out_of_the_patterns_it_is_read_on_at_the_next_start_too)
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

Test(file_resuming, renamed_while_nothing_ran_it_is_read_on_once_too)
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

Test(file_resuming, rotated_twice_while_nothing_ran_they_are_read_oldest_first_once_too)
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

Test(file_resuming, rotated_before_anything_was_read_of_it_it_is_read_all_the_same)
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

Test(file_resuming, files_that_match_under_their_new_names_are_read_on_oldest_first)
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

Test(file_resuming, renamed_as_it_is_read_it_is_known_under_its_new_name_after_a_crash)
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

Test(file_resuming, walk_that_waited_for_the_disk_is_followed_by_another_within_a_minute)
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

Test(file_resuming, renamed_between_being_seen_and_being_opened_it_is_searched_for)
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

/* ---- truncated, replaced, gone ---- */

Test(file_resuming, truncated_while_nothing_ran_it_is_read_from_its_beginning)
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

Test(file_resuming, truncated_and_grown_past_where_it_was_read_it_is_read_from_its_beginning)
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
Test(file_resuming, truncated_and_grown_between_two_looks_it_is_read_from_its_beginning)
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
Test(file_resuming, file_that_lost_its_end_while_nothing_ran_is_read_on_at_the_end_that_it_has)
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

Test(file_resuming, file_that_lost_its_end_is_read_on_once_too)
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
Test(file_resuming,
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

Test(file_resuming,
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

Test(file_resuming, shorter_file_with_another_beginning_or_hardly_any_is_read_from_it)
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

Test(file_resuming, compressed_file_that_lost_only_what_gave_no_record_is_read_on)
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

Test(file_resuming, inode_that_is_another_file_s_by_now_is_read_from_its_beginning)
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

Test(file_resuming, file_gone_before_it_was_read_whole_is_said_once_and_counted)
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

Test(file_resuming, file_gone_after_it_was_read_whole_is_nothing_to_say)
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

Test(file_resuming, file_that_comes_back_is_known_until_ignore_older)
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

Test(file_resuming, deleted_while_it_was_read_and_read_to_its_end_it_is_forgotten)
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
