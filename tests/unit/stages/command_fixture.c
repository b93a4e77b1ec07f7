#include "tests/unit/stages/command_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 20, LOOK_NS = 10000000 };

static uint64_t now_ns(struct env *e)
{
	(void)e;
	return backend_now_ns();
}

static int64_t wall_ns(struct env *e)
{
	(void)e;
	return INT64_C(1795256100000000000); /* 2026-11-21T10:15:00Z */
}

static uint64_t any_number(struct env *e)
{
	(void)e;
	return 4;
}

static void wake_at(struct env *e, uint64_t when_ns)
{
	struct command_fixture *x = (struct command_fixture *)(void *)e;
	if (when_ns < x->wake_ns)
		x->wake_ns = when_ns;
}

static void __attribute__((format(printf, 4, 0)))
say(struct env *e, enum say_level level, const char *event, const char *format, va_list args)
{
	(void)level;
	struct command_fixture *x = (struct command_fixture *)(void *)e;
	size_t length = strlen(x->said);
	cr_assert_lt(length + strlen(event) + COMMAND_LINE_MAX + 16, sizeof x->said);
	length += (size_t)sprintf(x->said + length, "%s ", event);
	length += (size_t)vsnprintf(x->said + length, sizeof x->said - length - 1, format, args);
	strcpy(x->said + length, "\n");
}

static const struct env_ops env_ops = {
    .now_ns = now_ns, .wall_ns = wall_ns, .random = any_number, .wake_at = wake_at, .say = say};

void command_fixture_begin(struct command_fixture *x, int kind, ...)
{
	memset(x, 0, sizeof *x);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a command leaves behind is ours to see */
	va_list words;
	va_start(words, kind);
	size_t n = 0;
	for (const char *word; (word = va_arg(words, const char *)); n++)
		x->texts[n] = (struct text){.bytes = word, .length = strlen(word)};
	va_end(words);
	cr_assert_eq(helpers_init(&x->helpers, 1), 0);
	cr_assert_eq(backend_open(&x->backend, (enum backend_kind)kind, &x->helpers), 0);
	x->env = (struct env){.ops = &env_ops, .io = &x->backend->io};
	x->stage = (struct stage){.id = "test", .env = &x->env, .counters = &x->counters};
	x->options =
	    (struct command_options){.command = {.items = x->texts, .count = n, .alone = n == 1},
				     .kill_after = UINT64_C(5000000000)};
	x->wake_ns = UINT64_MAX;
}

static void settle(struct command_fixture *x)
{
	uint64_t deadline = backend_now_ns() + PATIENCE_S * UINT64_C(1000000000);
	while (x->backend->busy > 0) {
		cr_assert_lt(backend_now_ns(), deadline, "something never comes back");
		if (backend_poll(x->backend) == 0)
			backend_wait(x->backend, backend_now_ns() + LOOK_NS);
	}
}

void command_fixture_cancel(struct command_fixture *x)
{
	backend_cancel_all(x->backend);
	settle(x);
}

void command_fixture_end(struct command_fixture *x)
{
	command_fixture_cancel(x);
	command_release(&x->command);
	settle(x);
	helpers_release(&x->helpers);
	backend_close(x->backend);
	cr_assert(command_fixture_is_gone(-1));
}

bool command_fixture_is_gone(pid_t process_or_group)
{
	uint64_t deadline = backend_now_ns() + PATIENCE_S * UINT64_C(1000000000);
	for (;;) {
		pid_t reaped;
		while ((reaped = waitpid(process_or_group, NULL, WNOHANG)) > 0)
			continue;
		if (reaped < 0 && errno == ECHILD)
			return true;
		if (backend_now_ns() > deadline)
			return false;
		usleep(1000);
	}
}

void command_fixture_turn(struct command_fixture *x)
{
	uint64_t until = backend_now_ns() + LOOK_NS;
	if (x->wake_ns < until)
		until = x->wake_ns;
	x->wake_ns = UINT64_MAX;
	if (backend_poll(x->backend) == 0)
		backend_wait(x->backend, until);
}

void command_fixture_run(struct command_fixture *x)
{
	uint64_t deadline = backend_now_ns() + PATIENCE_S * UINT64_C(1000000000);
	int r;
	while ((r = command_step(&x->command)) != STEP_DONE) {
		cr_assert_lt(backend_now_ns(), deadline, "it never ends; said: %s", x->said);
		if (r == STEP_WAIT)
			command_fixture_turn(x);
	}
}

size_t command_fixture_said(const struct command_fixture *x, const char *text)
{
	size_t n = 0;
	for (const char *at = x->said; (at = strstr(at, text)); at++)
		n++;
	return n;
}
