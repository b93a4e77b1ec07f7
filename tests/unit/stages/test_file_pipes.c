/* The file source over what is no regular file: pipes, which are waited for and emptied, and devices. */
#include "tests/unit/stages/file_source_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_pipe(struct fixture *x, const char *name)
{
	struct text path = in_directory(x, name);
	cr_assert_eq(mkfifo(path.bytes, 0644), 0);
	free((char *)(uintptr_t)path.bytes);
}

Test(file_pipes, wildcards_pass_over_what_is_no_regular_file)
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

Test(file_pipes, pipe_named_outright_is_waited_for_and_read_once)
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

Test(file_pipes, device_named_outright_ends_when_it_gives_nothing)
{
	struct fixture *x = set_up("none", NULL);
	x->paths[1] = (struct text){.bytes = strdup("/dev/null"), .length = 9};
	x->options.paths = (struct text_list){.items = x->paths + 1, .count = 1};
	cr_expect_eq(run_once(x), STEP_DONE);
	cr_expect_str_eq(x->said, "");
	cr_expect_eq(counter_get(&x->counters.errors), 0);
	stop(x);
	tear_down(x);
}

Test(file_pipes, silent_pipe_keeps_no_other_file_waiting)
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

Test(file_pipes, deleted_pipe_is_read_until_its_writers_are_gone_and_closed)
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

Test(file_pipes, told_to_stop_it_hands_on_what_the_pipes_hold_and_a_beginning_it_put_aside)
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

Test(file_pipes, told_to_stop_it_ends_though_a_writer_goes_on)
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
Test(file_pipes, told_to_stop_it_ends_when_somebody_else_takes_what_the_pipe_held)
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
