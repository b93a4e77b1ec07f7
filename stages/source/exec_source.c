/* exec_source.c - what a command writes to its standard output, for as long as it runs, and again when it has ended.
 *
 *   BEGIN --> RUN -- over --> PAUSE -- later --> BEGIN
 *                     +--> DONE: it is not begun again
 *
 * What was read can't be read again: told to stop, the source has the command end and hands on all that it still writes. */
#include "stages/builtin.h"
#include "stages/command/command_reader.h"
#include "stages/command/restart.h"

#include <errno.h>
#include <stdlib.h>

struct exec_options {
	struct command_options command;
	struct framing_options framing;
	struct restart_options restart;
	struct rate_gate_options gate;
};

static const struct option exec_table[] = {
    COMMAND_OPTION_ROWS(offsetof(struct exec_options, command), true),
    {"restart", OPTION_GROUP, offsetof(struct exec_options, restart), .group = restart_table,
     .doc = "What becomes of it when the command has ended: `always`, `on_failure`, `never`, or a "
	    "map"},
    RATE_GATE_OPTION_ROWS(offsetof(struct exec_options, gate),
			  "How much is read a second; the command waits with more"),
    FRAMING_OPTION_ROWS(offsetof(struct exec_options, framing)),
    {0},
};

enum { FIGURE_BEGUN, FIGURE_KILLED, FIGURE_HELD };
static const char *const figures[] = {"commands begun", "commands killed", RATE_GATE_FIGURE_NAME,
				      NULL};

struct exec_source {
	struct command_reader reader;
	struct restart restart;
	struct rate_gate gate;
	enum { EXEC_BEGIN, EXEC_RUN, EXEC_PAUSE } at;
};

static void exec_check(const void *options, struct place at, struct problems *problems)
{
	const struct exec_options *o = options;
	command_options_check(&o->command, problems);
	restart_options_check(&o->restart, at, problems);
}

static int exec_open(struct stage *s)
{
	const struct exec_options *o = s->options;
	struct exec_source *source = calloc(1, sizeof *source);
	s->state = source;
	int r =
	    source ? command_reader_init(&source->reader, s, &o->command, &o->framing) : -ENOMEM;
	if (r < 0) {
		env_say(s->env, SAY_ERROR, "out of memory", "stage=%s", s->id);
		return r;
	}
	restart_init(&source->restart, &o->restart);
	rate_gate_init(&source->gate, &o->gate, s->env, &s->counters->figures[FIGURE_HELD]);
	source->reader.gate = &source->gate;
	return 0;
}

static void exec_close(struct stage *s)
{
	struct exec_source *source = s->state;
	if (!source)
		return;
	command_reader_release(&source->reader);
	free(source);
	s->state = NULL;
}

static int begin(struct stage *s, struct exec_source *source)
{
	if (s->stopping)
		return STEP_DONE;
	counter_add(&s->counters->figures[FIGURE_BEGUN], 1);
	command_reader_begin(&source->reader);
	source->at = EXEC_RUN;
	return STEP_MORE;
}

static int run(struct stage *s, struct exec_source *source, struct outlet *out)
{
	if (s->stopping)
		command_stop(&source->reader.command);
	int r = command_reader_step(&source->reader, s, out);
	if (r != STEP_DONE)
		return r;
	counter_add(&s->counters->figures[FIGURE_KILLED], source->reader.command.is_killed);
	bool is_needed = !s->once && !s->stopping;
	if (!restart_after(&source->restart, &source->reader.command, s, is_needed))
		return STEP_DONE;
	source->at = EXEC_PAUSE;
	return STEP_MORE;
}

static int pause(struct stage *s, struct exec_source *source)
{
	if (!s->stopping && restart_pending(&source->restart, s->env))
		return STEP_WAIT;
	source->at = EXEC_BEGIN;
	return STEP_MORE;
}

static int exec_step(struct stage *s, struct outlet *out)
{
	struct exec_source *source = s->state;
	switch (source->at) {
	case EXEC_BEGIN:
		return begin(s, source);
	case EXEC_RUN:
		return run(s, source, out);
	case EXEC_PAUSE:
		return pause(s, source);
	}
	abort();
}

static size_t exec_buffer_capacity(const void *options)
{
	const struct exec_options *o = options;
	return framing_buffer_capacity(&o->framing, NULL);
}

/* Programs are begun there. */
static unsigned exec_helpers(const void *options)
{
	(void)options;
	return 1;
}

static size_t exec_memory(const void *options)
{
	(void)options;
	return sizeof(struct exec_source);
}

static const char *exec_restart(const void *options, bool remembers)
{
	(void)options, (void)remembers;
	return "the command is begun anew: what a crash finds on its way is lost";
}

const struct stage_type exec_source_type = {
    .schema = {.kind = STAGE_SOURCE,
	       .name = "exec",
	       .summary = "runs a command, and reads what it writes",
	       .options = exec_table,
	       .options_size = sizeof(struct exec_options),
	       .check = exec_check},
    .open = exec_open,
    .close = exec_close,
    .source_step = exec_step,
    .reopens = true,
    .drains = true,
    .memory = exec_memory,
    .helpers = exec_helpers,
    .buffer_capacity = exec_buffer_capacity,
    .restart = exec_restart,
    .figures = figures,
};
