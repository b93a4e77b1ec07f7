/* stdin_source.c - reads standard input, whatever it is, until it ends.
 *
 *   READ --> READING -- bytes --> FRAME -- all framed --> READ
 *                    -- end ----> ENDING -- what has no delimiter, too --> DONE
 *
 * What was read can't be read again, so when it is told to stop it takes the read back that is under way, and hands on
 * all it has, the beginning of a line as well. */
#include "stages/builtin.h"
#include "stages/framing_options.h"
#include "stages/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stdin_source_options {
	struct framing_options framing;
};

static const struct option stdin_source_table[] = {
    FRAMING_OPTION_ROWS(offsetof(struct stdin_source_options, framing)),
    {0},
};

struct stdin_source {
	struct framing framing;
	struct framer framer;
	struct intake intake;
	enum { STDIN_READ, STDIN_READING, STDIN_FRAME, STDIN_ENDING } at;
	bool taken_back; /* the read under way has been cancelled */
	struct io_op op;
};

/* How much the process has handed on of it: where it goes on when a topology is loaded anew. One source at a time reads it. */
static uint64_t handed_on;

static void on_done(struct io_op *op)
{
	(void)op;
}

static int stdin_source_open(struct stage *s)
{
	const struct stdin_source_options *o = s->options;
	struct stdin_source *source = calloc(1, sizeof *source);
	s->state = source;
	if (!source) {
		env_say(s->env, SAY_ERROR, "out of memory", "stage=%s", s->id);
		return -ENOMEM;
	}
	source->framing = framing_from_options(&o->framing, s);
	framer_init(&source->framer);
	intake_init(&source->intake, s->home, &source->framing, INTAKE_READ);
	source->intake.path = "standard input";
	source->intake.offset_known = source->intake.place_known = true;
	source->intake.offset = source->intake.place = handed_on;
	counter_add(&s->counters->files, 1);
	return 0;
}

static void stdin_source_close(struct stage *s)
{
	struct stdin_source *source = s->state;
	if (!source)
		return;
	assert(!source->op.busy);
	handed_on = source->intake.place;
	intake_release(&source->intake);
	free(source);
	s->state = NULL;
}

/* Without a buffer to read into: tried again once one has come back. */
static void submit_read(struct stage *s, struct stdin_source *source)
{
	uint8_t *bytes;
	size_t room;
	if (intake_room(&source->intake, &bytes, &room) < 0)
		return;
	source->op = (struct io_op){.code = IO_READ,
				    .fd = STDIN_FILENO,
				    .stream = true,
				    .read = {.bytes = bytes, .length = room},
				    .done = on_done};
	source->at = STDIN_READING;
	io_submit(s->env->io, &source->op);
}

static int was_read(struct stage *s, struct stdin_source *source)
{
	int64_t n = source->op.result;
	if (n == -EINTR || n == -EAGAIN || n == -ECANCELED) {
		source->at = STDIN_READ;
		return STEP_MORE;
	}
	if (n < 0) {
		counter_add(&s->counters->errors, 1);
		env_say(s->env, SAY_ERROR, "standard input unreadable", "error=%s",
			strerror((int)-n));
		return (int)n;
	}
	if (n > 0)
		intake_add(&source->intake, (size_t)n, env_now_ns(s->env), env_wall_ns(s->env));
	source->at = n > 0 ? STDIN_FRAME : STDIN_ENDING;
	return STEP_MORE;
}

static int frame(struct stdin_source *source, struct outlet *out)
{
	struct batch *b;
	size_t consumed;
	bool ending = source->at == STDIN_ENDING;
	int r = intake_frame(&source->intake, &source->framer, ending, &b, &consumed);
	if (r == -EAGAIN)
		return STEP_WAIT;
	if (r > 0) {
		emit(out, &b);
		return STEP_MORE;
	}
	if (ending)
		return STEP_DONE;
	source->at = STDIN_READ;
	return STEP_MORE;
}

static int stdin_source_step(struct stage *s, struct outlet *out)
{
	struct stdin_source *source = s->state;
	if (source->op.busy) {
		if (s->stopping && !source->taken_back)
			io_cancel(s->env->io, &source->op);
		source->taken_back = s->stopping;
		return STEP_WAIT;
	}
	switch (source->at) {
	case STDIN_READ:
		if (s->stopping) {
			source->at = STDIN_ENDING;
			return STEP_MORE;
		}
		submit_read(s, source);
		return STEP_WAIT;
	case STDIN_READING:
		return was_read(s, source);
	case STDIN_FRAME:
	case STDIN_ENDING:
		return frame(source, out);
	}
	abort();
}

static size_t stdin_source_buffer_capacity(const void *options)
{
	const struct stdin_source_options *o = options;
	return framing_buffer_capacity(&o->framing, NULL);
}

static const char *stdin_source_restart(const void *options, bool remembers)
{
	(void)options, (void)remembers;
	return "can't be read again: what a crash finds on its way is lost";
}

const struct stage_type stdin_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "stdin",
	       .summary = "reads standard input until it ends",
	       .options = stdin_source_table,
	       .options_size = sizeof(struct stdin_source_options),
	       .only_one = true},
    .open = stdin_source_open,
    .close = stdin_source_close,
    .source_step = stdin_source_step,
    .drains = true,
    .buffer_capacity = stdin_source_buffer_capacity,
    .restart = stdin_source_restart,
};
