#include "stages/command/command.h"
#include "stages/descriptor.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Making one */

static int make_arguments(struct command *c, const struct text_list *said)
{
	enum { SHELL = 2 };
	c->arguments = calloc(said->count + SHELL + 1, sizeof *c->arguments);
	if (!c->arguments)
		return -ENOMEM;
	size_t n = 0;
	if (said->alone) {
		c->arguments[n++] = "/bin/sh";
		c->arguments[n++] = "-c";
	}
	for (size_t i = 0; i < said->count; i++)
		c->arguments[n++] = said->items[i].bytes;
	return 0;
}

static int make_environment(struct command *c, const struct text_map *said)
{
	c->environment = calloc(said->count + 1, sizeof *c->environment);
	if (!c->environment)
		return -ENOMEM;
	for (size_t i = 0; i < said->count; i++)
		if (asprintf(&c->environment[i], "%s=%s", said->items[i].name.bytes,
			     said->items[i].value.bytes) < 0) {
			c->environment[i] = NULL;
			return -ENOMEM;
		}
	return 0;
}

int command_init(struct command *c, struct stage *s, const struct command_options *o,
		 bool has_input, bool has_output)
{
	*c = (struct command){.env = s->env,
			      .options = o,
			      .has_input = has_input,
			      .has_output = has_output,
			      .process = -1,
			      .input = -1,
			      .output = -1};
	command_errors_init(&c->errors, s->env);
	int r = make_arguments(c, &o->command);
	return r < 0 ? r : make_environment(c, &o->environment);
}

/* Beginning */

static void on_done(struct io_op *op)
{
	(void)op;
}

static void submit(struct command *c, struct io_op op)
{
	c->op = op;
	c->op.done = on_done;
	io_submit(c->env->io, &c->op);
}

void command_begin(struct command *c)
{
	assert(c->state == COMMAND_IDLE || c->state == COMMAND_OVER);
	c->stopping = c->at_fault = c->is_killed = false;
	c->kill_at_ns = 0;
	c->error = c->status = 0;
	c->state = COMMAND_BEGINNING;
	submit(c, (struct io_op){
		      .code = IO_SPAWN,
		      .fd = -1,
		      .spawn = {.arguments = c->arguments,
				.environment = (const char *const *)c->environment,
				.directory = c->options->directory.bytes,
				.input = c->has_input ? IO_PIPE : -1,
				.output = c->has_output ? IO_PIPE : -1,
				.errors = IO_PIPE},
		  });
}

/* Its pipes and its process are ours from here on. */
static void take_over(struct command *c)
{
	c->process = (int)c->op.result;
	c->pid = c->op.spawn.pid;
	c->input = c->has_input ? c->op.spawn.input : -1;
	c->output = c->has_output ? c->op.spawn.output : -1;
	command_errors_begin(&c->errors, c->op.spawn.errors);
}

static void await_exit(struct command *c)
{
	submit(c, (struct io_op){.code = IO_POLL, .fd = c->process, .poll = {.events = POLLIN}});
}

static int begun(struct command *c)
{
	if (c->op.result < 0) {
		c->error = (int)c->op.result;
		c->state = COMMAND_OVER;
		return STEP_MORE;
	}
	take_over(c);
	c->begun_ns = env_now_ns(c->env);
	c->state = COMMAND_RUNNING;
	await_exit(c);
	return STEP_MORE;
}

/* Ending */

void command_stop(struct command *c)
{
	c->stopping = true;
}

static void send_signal(struct command *c, int number)
{
	c->signal = (struct io_op){.code = IO_SIGNAL,
				   .fd = c->process,
				   .signal = {.number = number, .group = c->pid},
				   .done = on_done};
	io_submit(c->env->io, &c->signal);
}

/* Its process is not reaped, so its number is its own. */
static void see_to_stop(struct command *c)
{
	if (!c->stopping || c->is_killed || c->signal.busy)
		return;
	uint64_t now = env_now_ns(c->env);
	if (c->kill_at_ns == 0) {
		send_signal(c, SIGTERM);
		c->kill_at_ns = now + c->options->kill_after;
	} else if (now >= c->kill_at_ns) {
		env_say(c->env, c->kill_is_told ? SAY_DEBUG : SAY_WARN,
			"command does not end, killing it", "command=%s",
			command_options_shown(c->options));
		c->kill_is_told = true;
		send_signal(c, SIGKILL);
		c->is_killed = true;
		return;
	}
	env_wake_at(c->env, c->kill_at_ns);
}

static int run(struct command *c)
{
	if (c->op.busy) {
		see_to_stop(c);
		return STEP_WAIT;
	}
	if (c->op.result < 0) { /* interrupted, or taken back */
		await_exit(c);
		return STEP_WAIT;
	}
	c->exited_ns = env_now_ns(c->env);
	c->state = COMMAND_EXITED;
	return STEP_MORE;
}

/* From then on what holds its pipes is not waited for any longer. */
static uint64_t leave_at_ns(const struct command *c)
{
	return c->exited_ns + c->options->kill_after;
}

static bool has_waited(const struct command *c)
{
	return env_now_ns(c->env) >= leave_at_ns(c) || c->is_killed;
}

bool command_is_to_be_left(const struct command *c)
{
	return c->state == COMMAND_EXITED && c->output >= 0 && has_waited(c);
}

/* The input is nobody's to read any more. */
static int leave(struct command *c)
{
	see_to_stop(c);
	bool errors_end = c->errors.fd < 0;
	if (!errors_end && has_waited(c))
		command_errors_leave(&c->errors);
	if (!errors_end || c->output >= 0 || c->input >= 0 || c->signal.busy) {
		if (!has_waited(c))
			env_wake_at(c->env, leave_at_ns(c));
		return STEP_WAIT;
	}
	c->state = COMMAND_REAPING;
	submit(c, (struct io_op){.code = IO_AWAIT, .fd = c->process, .await = {.left = SIGKILL}});
	return STEP_WAIT;
}

static int reap(struct command *c)
{
	int64_t r = c->op.result;
	if (r == -EINTR || r == -ECANCELED) {
		c->state = COMMAND_EXITED;
		return STEP_MORE;
	}
	c->error = r < 0 ? (int)r : 0;
	c->status = r < 0 ? 0 : (int)r;
	descriptor_close(c->env->io, &c->process);
	c->kill_is_told &= c->is_killed;
	c->state = COMMAND_OVER;
	return STEP_MORE;
}

int command_step(struct command *c)
{
	int said = command_errors_step(&c->errors);
	if (said == STEP_MORE)
		return STEP_MORE;
	switch (c->state) {
	case COMMAND_IDLE:
	case COMMAND_OVER:
		return STEP_DONE;
	case COMMAND_BEGINNING:
		return c->op.busy ? STEP_WAIT : begun(c);
	case COMMAND_RUNNING:
		return run(c);
	case COMMAND_EXITED:
		return leave(c);
	case COMMAND_REAPING:
		return c->op.busy ? STEP_WAIT : reap(c);
	}
	abort();
}

void command_close_input(struct command *c)
{
	descriptor_close(c->env->io, &c->input);
}

void command_close_output(struct command *c)
{
	descriptor_close(c->env->io, &c->output);
}

bool command_succeeded(const struct command *c)
{
	return c->error == 0 && !c->at_fault && WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0;
}

/* Which of them it is that is not there, nobody says. */
static const char *whose(const struct command *c)
{
	bool may_be_the_folder = c->error == -ENOENT || c->error == -ENOTDIR || c->error == -EACCES;
	return may_be_the_folder && c->options->directory.bytes ? ": it, or its `directory`" : "";
}

const char *command_told(const struct command *c, char text[COMMAND_END_MAX])
{
	if (c->error < 0)
		snprintf(text, COMMAND_END_MAX, "%s%s", strerror(-c->error), whose(c));
	else if (WIFSIGNALED(c->status))
		snprintf(text, COMMAND_END_MAX, "signal %d", WTERMSIG(c->status));
	else
		snprintf(text, COMMAND_END_MAX, "status %d", WEXITSTATUS(c->status));
	return text;
}

/* Letting go */

/* Kills a process that its stage has no use for any more, and waits for it. */
struct last_rites {
	struct io_op op;
	int process;
};

static void on_buried(struct io_op *op)
{
	struct last_rites *l = op->owner;
	descriptor_close(op->io, &l->process);
	free(l);
}

static void on_killed(struct io_op *op)
{
	struct last_rites *l = op->owner;
	struct io *io = op->io;
	if (op->result < 0) { /* it has become another user's, and is not ours to kill */
		on_buried(op);
		return;
	}

	l->op = (struct io_op){.code = IO_AWAIT,
			       .fd = l->process,
			       .await = {.left = SIGKILL},
			       .done = on_buried,
			       .owner = l};
	io_submit(io, &l->op);
}

static void kill_and_bury(struct command *c)
{
	struct last_rites *l = calloc(1, sizeof *l);
	if (!l)
		return; /* it is told to end when we do (daemon/processes.h) */
	l->process = c->process;
	c->process = -1;
	l->op = (struct io_op){.code = IO_SIGNAL,
			       .fd = l->process,
			       .signal = {.number = SIGKILL, .group = c->pid},
			       .done = on_killed,
			       .owner = l};
	io_submit(c->env->io, &l->op);
}

void command_release(struct command *c)
{
	if (!c->env)
		return;
	assert(!c->op.busy && !c->signal.busy);
	if (c->state == COMMAND_BEGINNING && c->op.result >= 0)
		take_over(c);
	bool is_reaped = c->state == COMMAND_REAPING && c->op.result >= 0;
	if (c->process >= 0 && is_reaped)
		descriptor_close(c->env->io, &c->process);
	else if (c->process >= 0)
		kill_and_bury(c);
	command_close_input(c);
	command_close_output(c);
	command_errors_release(&c->errors);
	free(c->arguments);
	for (char **v = c->environment; v && *v; v++)
		free(*v);
	free(c->environment);
	*c = (struct command){.process = -1, .input = -1, .output = -1};
}
