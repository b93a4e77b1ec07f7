/* Processes through the I/O interface, the same for every backend. */
#include "tests/unit/daemon/backend_world.h"
#include "tests/unit/daemon/each_backend.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_TEST(name) EACH_BACKEND_TEST(processes, name)

enum { OUTPUT_MAX = 8192 };

struct command {
	const char *arguments[4];
	struct io_op spawn;
	int process; /* its descriptor, or -errno */
	int output;  /* what it writes can be read here */
};

static void start(struct world *w, struct command *c)
{
	int ends[2];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	c->spawn.code = IO_SPAWN;
	c->spawn.fd = -1;
	c->spawn.spawn.arguments = c->arguments;
	c->spawn.spawn.input = c->spawn.spawn.errors = -1;
	c->spawn.spawn.output = ends[1];
	c->process = (int)world_carry_out(w, &c->spawn);
	c->output = ends[0];
	close(ends[1]);
}

static struct command script(struct world *w, const char *text)
{
	struct command c = {.arguments = {"/bin/sh", "-c", text}};
	start(w, &c);
	cr_assert_geq(c.process, 0);
	return c;
}

static int64_t status_of(struct world *w, const struct command *c)
{
	struct io_op op = {.code = IO_AWAIT, .fd = c->process};
	return world_carry_out(w, &op);
}

static void forget(const struct command *c)
{
	if (c->process >= 0)
		close(c->process);
	close(c->output);
}

/* All that it writes, to its end. */
static const char *output_of(struct world *w, const struct command *c)
{
	static char text[OUTPUT_MAX];
	size_t length = 0;
	int64_t n;
	do {
		struct io_op op = {
		    .code = IO_READ,
		    .fd = c->output,
		    .stream = true,
		    .read = {.bytes = text + length, .length = sizeof text - 1 - length}};
		n = world_carry_out(w, &op);
		cr_assert_geq(n, 0);
		length += (size_t)n;
	} while (n > 0);
	text[length] = '\0';
	return text;
}

static int64_t send_signal(struct world *w, const struct command *c, int number, bool to_group)
{
	struct io_op op = {
	    .code = IO_SIGNAL,
	    .fd = c->process,
	    .signal = {.number = number, .group = to_group ? c->spawn.spawn.pid : 0}};
	return world_carry_out(w, &op);
}

static void assert_no_children(void)
{
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_assert_eq(errno, ECHILD);
}

PROCESSES_TEST(command_runs_writes_and_its_status_is_told)
{
	struct world w;
	world_begin(&w, *kind);
	struct command c = script(&w, "read line && echo got it; echo hello; exit 7");
	cr_assert(fcntl(c.process, F_GETFD) & FD_CLOEXEC);
	cr_assert_str_eq(output_of(&w, &c), "hello\n", "its input is /dev/null");
	int64_t status = status_of(&w, &c);
	cr_assert(WIFEXITED((int)status));
	cr_assert_eq(WEXITSTATUS((int)status), 7);
	assert_no_children();
	forget(&c);
	world_end(&w);
}

PROCESSES_TEST(command_that_is_not_there_is_told_by_the_spawn)
{
	struct world w;
	world_begin(&w, *kind);
	struct command c = {.arguments = {"no-such-command-here"}};
	start(&w, &c);
	cr_assert_eq(c.process, -ENOENT);
	forget(&c);
	c = (struct command){.arguments = {w.directory}};
	start(&w, &c);
	cr_assert_eq(c.process, -EACCES);
	forget(&c);
	c = (struct command){.arguments = {"/bin/true"},
			     .spawn.spawn.directory = world_path(&w, "nowhere")};
	start(&w, &c);
	cr_assert_eq(c.process, -ENOENT);
	forget(&c);
	assert_no_children();
	world_end(&w);
}

PROCESSES_TEST(command_has_its_directory_and_more_environment)
{
	struct world w;
	world_begin(&w, *kind);
	setenv("KEPT", "ours", 1);
	setenv("CHANGED", "ours", 1);
	setenv("NOTIFY_SOCKET", "/nowhere", 1);
	static const char *const more[] = {"CHANGED=theirs", "NEW=theirs", NULL};
	struct command c = {
	    .arguments = {"sh", "-c", "pwd; echo $KEPT $CHANGED $NEW ${NOTIFY_SOCKET-none}"},
	    .spawn.spawn = {.directory = w.directory, .environment = more}};
	start(&w, &c);
	char expected[128];
	snprintf(expected, sizeof expected, "%s\nours theirs theirs none\n", w.directory);
	cr_assert_str_eq(output_of(&w, &c), expected);
	cr_assert_eq(status_of(&w, &c), 0);
	forget(&c);
	world_end(&w);
}

/* Here one is blocked, one ignored and a descriptor open that was never marked close-on-exec. */
PROCESSES_TEST(command_has_default_signals_and_no_descriptors_of_ours)
{
	struct world w;
	world_begin(&w, *kind);
	sigset_t one;
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &one, NULL);
	signal(SIGPIPE, SIG_IGN);
	int leak = dup(0);
	cr_assert_geq(leak, 0);
	struct command c = script(&w, "grep -E '^Sig(Blk|Ign):' /proc/self/status; "
				      "for f in /proc/self/fd/*; do echo ${f##*/}; done");
	const char *text = output_of(&w, &c);
	cr_assert_not_null(strstr(text, "SigBlk:\t0000000000000000\n"), "%s", text);
	cr_assert_not_null(strstr(text, "SigIgn:\t0000000000000000\n"), "%s", text);
	cr_assert_not_null(strstr(text, "\n0\n1\n2\n"), "%s", text);
	char number[16];
	snprintf(number, sizeof number, "\n%d\n", leak);
	cr_assert_null(strstr(text, number), "%s", text);
	cr_assert_eq(status_of(&w, &c), 0);
	close(leak);
	forget(&c);
	world_end(&w);
}

PROCESSES_TEST(command_that_runs_is_awaited_cancelled_and_killed)
{
	struct world w;
	world_begin(&w, *kind);
	struct command c = script(&w, "exec sleep 1000");
	int done;
	struct io_op await = {.code = IO_AWAIT, .fd = c.process};
	world_submit(&w, &await, &done);
	world_sees_nothing(&w, &done);
	io_cancel(&w.backend->io, &await);
	world_await(&w, &done);
	cr_assert_eq(await.result, -ECANCELED);
	cr_assert_eq(send_signal(&w, &c, SIGTERM, false), 0);
	int64_t status = status_of(&w, &c);
	cr_assert(WIFSIGNALED((int)status));
	cr_assert_eq(WTERMSIG((int)status), SIGTERM);
	assert_no_children();
	cr_assert_eq(send_signal(&w, &c, SIGTERM, false), -ESRCH);
	forget(&c);
	world_end(&w);
}

/* Its output ends only when all of them have gone. */
PROCESSES_TEST(signal_to_the_group_reaches_all_that_the_command_has_begun)
{
	struct world w;
	world_begin(&w, *kind);
	struct command c = script(&w, "sleep 1000 & sleep 1000 & echo begun; wait");
	char text[8] = "";
	struct io_op read = {.code = IO_READ,
			     .fd = c.output,
			     .stream = true,
			     .read = {.bytes = text, .length = sizeof text}};
	cr_assert_eq(world_carry_out(&w, &read), 6);
	cr_assert_eq(send_signal(&w, &c, SIGKILL, true), 0);
	cr_assert_str_eq(output_of(&w, &c), "");
	cr_assert(WIFSIGNALED((int)status_of(&w, &c)));
	forget(&c);
	world_end(&w);
}

PROCESSES_TEST(what_a_command_leaves_behind_can_be_killed_with_it)
{
	struct world w;
	world_begin(&w, *kind);
	struct command c = script(&w, "sleep 1000 & exit 3");
	struct io_op await = {.code = IO_AWAIT, .fd = c.process, .await = {.left = SIGKILL}};
	cr_assert_eq(WEXITSTATUS((int)world_carry_out(&w, &await)), 3);
	cr_assert_str_eq(output_of(&w, &c), "", "nobody has it any more");
	forget(&c);
	world_end(&w);
}

PROCESSES_TEST(pipes_to_a_command_are_made_with_it)
{
	struct world w;
	world_begin(&w, *kind);
	struct io_op spawn = {
	    .code = IO_SPAWN,
	    .fd = -1,
	    .spawn = {.arguments = (const char *const[]){"sh", "-c", "cat; echo bad >&2", NULL},
		      .input = IO_PIPE,
		      .output = IO_PIPE,
		      .errors = IO_PIPE}};
	int process = (int)world_carry_out(&w, &spawn);
	cr_assert_geq(process, 0);
	struct command c = {.process = process, .output = spawn.spawn.output};
	for (int i = 0; i < 3; i++) {
		int fd = (int[]){spawn.spawn.input, spawn.spawn.output, spawn.spawn.errors}[i];
		cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
		cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	cr_assert_eq(write(spawn.spawn.input, "in and out", 10), 10);
	close(spawn.spawn.input);
	cr_assert_str_eq(output_of(&w, &c), "in and out");
	close(c.output);
	c.output = spawn.spawn.errors;
	cr_assert_str_eq(output_of(&w, &c), "bad\n");
	cr_assert_eq(status_of(&w, &c), 0);
	forget(&c);
	world_end(&w);
}

/* Found by thinking: a parent without standard descriptors gets those numbers for its pipes. */
PROCESSES_TEST(command_gets_its_pipes_where_we_have_no_standard_descriptors)
{
	struct world w;
	world_begin(&w, *kind);
	int saved = dup(0);
	close(0);
	struct command c = {.arguments = {"sh", "-c", "cat; echo through"}};
	start(&w, &c);
	cr_assert_str_eq(output_of(&w, &c), "through\n");
	cr_assert_eq(status_of(&w, &c), 0);
	forget(&c);
	dup2(saved, 0);
	close(saved);
	world_end(&w);
}

PROCESSES_TEST(many_commands_run_side_by_side_and_none_is_left)
{
	enum { MANY = 40 };
	struct world w;
	world_begin(&w, *kind);
	struct command c[MANY];
	struct io_op awaits[MANY];
	int done[MANY];
	for (int i = 0; i < MANY; i++) {
		char text[32];
		snprintf(text, sizeof text, "exit %d", i);
		c[i] = script(&w, text);
		awaits[i] = (struct io_op){.code = IO_AWAIT, .fd = c[i].process};
		world_submit(&w, &awaits[i], &done[i]);
	}
	world_await_idle(&w);
	for (int i = 0; i < MANY; i++) {
		cr_assert_eq(WEXITSTATUS((int)awaits[i].result), i);
		forget(&c[i]);
	}
	assert_no_children();
	world_end(&w);
}
