/* Commands that stages run: stages/command/. */
#include "stages/command/restart.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/stages/command_fixture.h"
#include "tests/unit/stages/faulty_env.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_TEST(name) EACH_BACKEND_TEST(command, name)
#define MS UINT64_C(1000000)

static struct command_fixture x;

static void begin(void)
{
	cr_assert_eq(command_init(&x.command, &x.stage, &x.options, false, false), 0);
	command_begin(&x.command);
}

static void assert_told(const char *expected)
{
	char told[COMMAND_END_MAX];
	cr_expect_str_eq(command_told(&x.command, told), expected);
}

COMMAND_TEST(text_alone_is_for_the_shell)

{
	need_backend(*kind);
	command_fixture_begin(&x, *kind, "echo \"$((1 + 1)) $0\" >&2 | cat; exit 3", NULL);
	begin();
	command_fixture_run(&x);
	assert_told("status 3");
	cr_expect_not(command_succeeded(&x.command));
	cr_expect_eq(command_fixture_said(&x, "command says line=2 /bin/sh\n"), 1);
	command_fixture_end(&x);
}

COMMAND_TEST(list_is_a_program_and_its_arguments)
{
	need_backend(*kind);
	command_fixture_begin(&x, *kind, "sh", "-c", "echo \"$1 $NAME\" >&2", "sh", "a  $b", NULL);
	struct text_pair more = {.name = {.bytes = "NAME", .length = 4},
				 .value = {.bytes = "v w", .length = 3}};
	x.options.environment = (struct text_map){.items = &more, .count = 1};
	begin();
	command_fixture_run(&x);
	cr_expect(command_succeeded(&x.command));
	cr_expect_eq(command_fixture_said(&x, "line=a  $b v w\n"), 1, "%s", x.said);
	command_fixture_end(&x);
}

COMMAND_TEST(command_is_begun_again_and_again)
{
	need_backend(*kind);
	command_fixture_begin(&x, *kind, "echo again >&2", NULL);
	begin();
	command_fixture_run(&x);
	for (int i = 0; i < 3; i++) {
		command_begin(&x.command);
		command_fixture_run(&x);
		cr_expect(command_succeeded(&x.command));
	}
	cr_expect_eq(command_fixture_said(&x, "line=again"), 4);
	command_fixture_end(&x);
}

COMMAND_TEST(command_that_is_not_there_is_over_at_once)
{
	need_backend(*kind);
	command_fixture_begin(&x, *kind, "no-such-command", "-v", NULL);
	begin();
	command_fixture_run(&x);
	cr_expect_eq(x.command.error, -ENOENT);
	assert_told("No such file or directory");
	command_fixture_end(&x);
}

COMMAND_TEST(command_that_is_told_to_stop_ends_by_sigterm)
{
	need_backend(*kind);
	command_fixture_begin(&x, *kind, "sleep 1000 & sleep 1000", NULL);
	begin();
	command_stop(&x.command); /* before it has begun */
	command_fixture_run(&x);
	assert_told("signal 15");
	cr_expect(command_fixture_is_gone(-x.command.pid));
	cr_expect_eq(command_fixture_said(&x, "killing it"), 0);
	command_fixture_end(&x);
}

static void step_until_said(const char *text)
{
	while (command_fixture_said(&x, text) == 0)
		if (command_step(&x.command) == STEP_WAIT)
			command_fixture_turn(&x);
}

COMMAND_TEST(command_that_ignores_sigterm_is_killed)
{
	need_backend(*kind);
	command_fixture_begin(&x, *kind, "trap '' TERM; echo ready >&2; while :; do sleep 1; done",
			      NULL);
	x.options.kill_after = 50 * MS;
	begin();
	step_until_said("ready");
	command_stop(&x.command);
	command_fixture_run(&x);
	assert_told("signal 9");
	cr_expect_eq(command_fixture_said(&x, "does not end, killing it"), 1);
	cr_expect(command_fixture_is_gone(-x.command.pid));
	command_fixture_end(&x);
}

/* It holds the standard error, too, so that this never ends. */
COMMAND_TEST(what_a_command_has_left_behind_is_killed_after_a_while)
{
	need_backend(*kind);
	command_fixture_begin(&x, *kind, "sleep 1000 & echo $! >&2; exit 0", NULL);
	x.options.kill_after = 50 * MS;
	begin();
	command_fixture_run(&x);
	cr_expect(command_succeeded(&x.command));
	pid_t left = (pid_t)atoi(strstr(x.said, "line=") + 5);
	cr_assert_gt(left, 1);
	cr_expect(command_fixture_is_gone(left));
	command_fixture_end(&x);
}

/* Wherever it is when all is cancelled. */
COMMAND_TEST(command_that_is_let_go_at_any_moment_leaves_no_process)
{
	need_backend(*kind);
	for (int steps = 0; steps < 12; steps++) {
		command_fixture_begin(&x, *kind, "echo a >&2; sleep 0.02; echo b >&2", NULL);
		begin();
		for (int i = 0; i < steps; i++)
			if (command_step(&x.command) == STEP_WAIT)
				command_fixture_turn(&x);
		command_fixture_end(&x);
	}
}

COMMAND_TEST(lines_of_errors_are_bounded_in_length_and_number)
{
	need_backend(*kind);
	command_fixture_begin(&x, *kind,
			      "head -c 5000 /dev/zero | tr '\\0' x >&2; echo >&2; echo next >&2; "
			      "yes spam | head -n 5000 >&2; printf last >&2",
			      NULL);
	begin();
	command_fixture_run(&x);
	cr_expect(command_succeeded(&x.command));
	const char *line = strstr(x.said, "line=");
	cr_assert_not_null(line);
	cr_expect_eq(strspn(line + 5, "x"), COMMAND_LINE_MAX);
	cr_expect_eq(memcmp(line + 5 + COMMAND_LINE_MAX, "...\n", 4), 0);
	cr_expect_eq(command_fixture_said(&x, "line=next\n"), 1, "only the rest of it is skipped");
	cr_expect_lt(command_fixture_said(&x, "line=spam"), 200);
	cr_expect_geq(command_fixture_said(&x, "left_out="), 1);
	command_fixture_end(&x);
}

/* Restarts, by a clock of our own. */

struct restarts {
	struct faulty_env env;
	struct stage stage;
	struct text text;
	struct command_options command_options;
	struct restart_options options;
	struct command command;
	struct restart restart;
};

static void restarts_begin(struct restarts *r, const char *yaml)
{
	struct problems problems = {0};
	void *arena;
	memset(r, 0, sizeof *r);
	cr_assert_eq(
	    option_fill(restart_table, &r->options, sizeof r->options, yaml, &problems, &arena), 0);
	option_fill_release(arena);
	faulty_env_init(&r->env, 7);
	r->stage = (struct stage){.id = "test", .env = &r->env.env, .counters = &r->env.counters};
	r->text = (struct text){.bytes = "c", .length = 1};
	r->command_options.command = (struct text_list){.items = &r->text, .count = 1};
	r->command = (struct command){.env = &r->env.env, .options = &r->command_options};
	restart_init(&r->restart, &r->options);
}

/* It has run for so long, and ended so. */
static bool ended(struct restarts *r, uint64_t ran_ns, int status)
{
	r->command.begun_ns = r->env.now_ns;
	faulty_env_pass(&r->env, ran_ns);
	r->command.exited_ns = r->env.now_ns;
	r->command.status = status << 8;
	return restart_after(&r->restart, &r->command, &r->stage, true);
}

static uint64_t delay(const struct restarts *r)
{
	return r->restart.at_ns - r->env.now_ns;
}

Test(command, restarts_are_further_apart_from_failure_to_failure)
{
	struct restarts r;
	restarts_begin(&r, "{base_delay: 100ms, max_delay: 700ms, jitter: none}");
	const uint64_t expected[] = {100, 200, 400, 700, 700, 700};
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		cr_expect(ended(&r, MS, 1));
		cr_expect_eq(delay(&r), expected[i] * MS);
	}
	cr_expect_eq(faulty_env_said(&r.env, "command failed, beginning it again"), 1);
	cr_expect(ended(&r, 700 * MS, 1), "it ran for long before it failed");
	cr_expect_eq(delay(&r), 100 * MS);
	cr_expect_eq(faulty_env_said(&r.env, "command runs again"), 1);
	cr_expect(ended(&r, MS, 0));
	cr_expect_eq(delay(&r), 100 * MS);
	cr_expect_eq(counter_get(&r.env.counters.errors), 7);
}

Test(command, delays_with_jitter_are_anything_up_to_the_longest)
{
	struct restarts r;
	restarts_begin(&r, "{base_delay: 100ms, max_delay: 1s}");
	uint64_t least = UINT64_MAX, most = 0;
	for (int i = 0; i < 1000; i++) {
		cr_expect(ended(&r, MS, 1));
		if (i < 4) { /* the longest is not reached yet */
			cr_expect_leq(delay(&r), 100 * MS << i);
			continue;
		}
		least = delay(&r) < least ? delay(&r) : least;
		most = delay(&r) > most ? delay(&r) : most;
	}
	cr_expect_lt(least, 20 * MS);
	cr_expect_gt(most, 980 * MS);
	cr_expect_leq(most, 1000 * MS);
}

Test(command, whether_it_is_begun_again_is_as_the_topology_says)
{
	static const struct {
		const char *yaml;
		bool after_success, after_failure;
	} cases[] = {
	    {"{}", true, true}, {"when: on_failure", false, true}, {"when: never", false, false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct restarts r;
		restarts_begin(&r, cases[i].yaml);
		cr_expect_eq(ended(&r, MS, 0), cases[i].after_success);
		cr_expect_eq(ended(&r, MS, 1), cases[i].after_failure);
		cr_expect_not(restart_after(&r.restart, &r.command, &r.stage, false));
	}
}

Test(command, what_cannot_be_run_is_told_where_it_stands)
{
	static const struct option table[] = {COMMAND_OPTION_ROWS(0, true), {0}};
	static const char *const wrong[] = {
	    "command: \"\"", "command: ['', a]", "command: [\"a\\0b\"]",
	    "{command: a, environment: {\"A=B\": c}}", "{command: a, environment: {A: \"\\0\"}}"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct problems problems = {0};
		struct command_options o;
		void *arena = NULL;
		if (option_fill(table, &o, sizeof o, wrong[i], &problems, &arena) == 0)
			command_options_check(&o, &problems);
		cr_expect_eq(problems.count, 1, "%s", wrong[i]);
		problems_release(&problems);
		option_fill_release(arena);
	}
}
