#include "stages/command/command_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int command_reader_init(struct command_reader *r, struct stage *s, const struct command_options *o,
			const struct framing_options *framing)
{
	*r = (struct command_reader){.at = READER_OVER};
	r->framing = framing_from_options(framing, s);
	intake_init(&r->intake, s->home, &r->framing, INTAKE_READ);
	r->intake.path = command_options_shown(o);
	return command_init(&r->command, s, o, false, true);
}

void command_reader_release(struct command_reader *r)
{
	assert(!r->op.busy);
	command_release(&r->command);
	intake_release(&r->intake);
}

void command_reader_begin(struct command_reader *r)
{
	assert(r->at == READER_OVER);
	framer_init(&r->framer);
	command_begin(&r->command);
	r->at = READER_BEGINNING;
}

static void on_done(struct io_op *op)
{
	(void)op;
}

static int beginning(struct command_reader *r)
{
	if (r->command.state == COMMAND_BEGINNING)
		return STEP_WAIT;
	r->at = r->command.output >= 0 ? READER_READ : READER_REST;
	return STEP_MORE;
}

/* What it still writes while it is told to stop would be lost if it were left there. */
static bool may_read(const struct command_reader *r, const struct stage *s)
{
	return !r->gate || s->stopping || rate_gate_is_open(r->gate, s->env);
}

/* Without a buffer to read into: tried again once one has come back. */
static int submit_read(struct command_reader *r, struct stage *s)
{
	uint8_t *bytes;
	size_t room;
	if (!may_read(r, s))
		return STEP_WAIT;
	if (intake_room(&r->intake, &bytes, &room) < 0)
		return STEP_WAIT;
	r->op = (struct io_op){.code = IO_READ,
			       .fd = r->command.output,
			       .stream = true,
			       .read = {.bytes = bytes, .length = room},
			       .done = on_done};
	r->at = READER_READING;
	io_submit(s->env->io, &r->op);
	return STEP_WAIT;
}

static int end_of_output(struct command_reader *r)
{
	command_close_output(&r->command);
	r->at = READER_ENDING;
	return STEP_MORE;
}

static int was_read(struct command_reader *r, struct env *env)
{
	int64_t n = r->op.result;
	if (n == -ECANCELED && command_is_to_be_left(&r->command)) {
		env_say(env, SAY_WARN, "command has ended and left others with its output",
			"command=%s", r->intake.path);
		return end_of_output(r);
	}
	if (n == -EINTR || n == -EAGAIN || n == -ECANCELED) {
		r->at = READER_READ;
		return STEP_MORE;
	}
	if (n <= 0)
		return end_of_output(r);
	intake_add(&r->intake, (size_t)n, env_now_ns(env), env_wall_ns(env));
	r->at = READER_FRAME;
	return STEP_MORE;
}

static int reading(struct command_reader *r, struct env *env)
{
	if (!r->op.busy)
		return was_read(r, env);
	if (command_is_to_be_left(&r->command))
		io_cancel(env->io, &r->op);
	return STEP_WAIT;
}

static int frame(struct command_reader *r, struct stage *s, struct outlet *out)
{
	struct batch *b;
	size_t consumed;
	bool ending = r->at == READER_ENDING;
	int n = intake_frame(&r->intake, &r->framer, ending, &b, &consumed);
	if (n == -EAGAIN)
		return STEP_WAIT;
	if (n == 0) {
		r->at = ending ? READER_REST : READER_READ;
		return STEP_MORE;
	}
	if (r->gate)
		rate_gate_charge(r->gate, s->env, b->count, b->bytes_total);
	emit(out, &b);
	return STEP_MORE;
}

static int turn(struct command_reader *r, struct stage *s, struct outlet *out)
{
	switch (r->at) {
	case READER_OVER:
		return STEP_DONE;
	case READER_BEGINNING:
		return beginning(r);
	case READER_READ:
		return submit_read(r, s);
	case READER_READING:
		return reading(r, s->env);
	case READER_FRAME:
	case READER_ENDING:
		return frame(r, s, out);
	case READER_REST:
		if (r->command.state != COMMAND_OVER)
			return STEP_WAIT;
		r->at = READER_OVER;
		return STEP_DONE;
	}
	abort();
}

int command_reader_step(struct command_reader *r, struct stage *s, struct outlet *out)
{
	bool moved = command_step(&r->command) == STEP_MORE;
	int result = turn(r, s, out);
	return result == STEP_WAIT && moved ? STEP_MORE : result;
}
