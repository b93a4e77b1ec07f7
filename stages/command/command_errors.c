#include "stages/command/command_errors.h"
#include "stages/descriptor.h"
#include "stages/stage.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct token_rate lines_told = {.per_second = 10, .burst = 100};

void command_errors_init(struct command_errors *e, struct env *env)
{
	memset(e, 0, sizeof *e);
	e->env = env;
	e->fd = -1;
	token_bucket_init(&e->bucket, &lines_told, env_now_ns(env));
}

void command_errors_begin(struct command_errors *e, int fd)
{
	assert(e->fd < 0 && !e->op.busy);
	e->fd = fd;
	e->submitted = false;
	e->skipping = false;
	e->length = 0;
}

static void tell_left_out(struct command_errors *e)
{
	if (e->left_out > 0)
		env_say(e->env, SAY_INFO, "more of the command's lines than are told",
			"left_out=%" PRIu64, e->left_out);
	e->left_out = 0;
}

/* Ends what is in `line`. */
static void tell(struct command_errors *e, bool is_cut)
{
	if (!token_bucket_take(&e->bucket, &lines_told, env_now_ns(e->env))) {
		e->left_out++;
	} else {
		tell_left_out(e);
		char text[COMMAND_LINE_MAX + 1];
		memcpy(text, e->line, e->length);
		text[e->length] = '\0';
		env_say(e->env, SAY_INFO, "command says", "line=%s%s", text, is_cut ? "..." : "");
	}
	e->length = 0;
}

static void add(struct command_errors *e, uint8_t byte)
{
	if (byte == '\n') {
		if (e->length > 0 && !e->skipping)
			tell(e, false);
		e->skipping = false;
	} else if (!e->skipping && e->length < sizeof e->line) {
		e->line[e->length++] = byte ? byte : ' ';
	} else if (!e->skipping) {
		tell(e, true);
		e->skipping = true;
	}
}

static void on_read(struct io_op *op)
{
	(void)op;
}

static void submit(struct command_errors *e)
{
	e->op = (struct io_op){.code = IO_READ,
			       .fd = e->fd,
			       .stream = true,
			       .read = {.bytes = e->bytes, .length = sizeof e->bytes},
			       .done = on_read};
	e->submitted = true;
	io_submit(e->env->io, &e->op);
}

static int end(struct command_errors *e)
{
	if (e->length > 0 && !e->skipping)
		tell(e, false);
	tell_left_out(e);
	descriptor_close(e->env->io, &e->fd);
	return STEP_DONE;
}

int command_errors_step(struct command_errors *e)
{
	if (e->fd < 0)
		return STEP_DONE;
	if (e->op.busy)
		return STEP_WAIT;
	if (!e->submitted) {
		submit(e);
		return STEP_WAIT;
	}
	e->submitted = false;
	int64_t n = e->op.result;
	if (n == -EINTR || n == -EAGAIN)
		return STEP_MORE;
	if (n <= 0)
		return end(e);
	for (int64_t i = 0; i < n; i++)
		add(e, e->bytes[i]);
	return STEP_MORE;
}

void command_errors_leave(struct command_errors *e)
{
	io_cancel(e->env->io, &e->op);
}

void command_errors_release(struct command_errors *e)
{
	assert(!e->op.busy);
	if (e->env)
		descriptor_close(e->env->io, &e->fd);
}
