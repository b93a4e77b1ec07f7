/* stdout_sink.c - records to standard output, gathered into large writes; to a terminal, escaped.
 *
 * A reader that goes away (`| head`) has seen what it wanted: a clean end. */
#include "stages/builtin.h"
#include "stages/gather.h"
#include "stages/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stdout_options {
	struct text delimiter;
};

static const struct option stdout_table[] = {
    {"delimiter", OPTION_TEXT, offsetof(struct stdout_options, delimiter), .preset = "\"\\n\"",
     .min = 1, .max = DELIMITER_MAX, .doc = "What follows each record, 1 to 8 bytes"},
    {0},
};

struct stdout_state {
	struct space_wait space;
	struct write_queue queue;
	bool terminal;
	struct screen screen; /* if it is a terminal, */
	struct gather gather; /* if not */
	struct batch *current;
	uint32_t cursor; /* its first record not put yet */
	struct stored stored;
};

static int stdout_open(struct stage *s)
{
	const struct stdout_options *o = s->options;
	struct delimiter delimiter = {.length = (uint8_t)o->delimiter.length};
	memcpy(delimiter.bytes, o->delimiter.bytes, o->delimiter.length);
	struct stdout_state *state = calloc(1, sizeof *state);
	s->state = state;
	int r = -ENOMEM;
	if (state) {
		space_wait_init(&state->space, s->env, s->counters);
		write_queue_init(&state->queue, s->env, &state->space);
		write_queue_bind(&state->queue, STDOUT_FILENO, true, 0, "standard output");
		state->terminal = s->terminal;
		r = s->terminal ? screen_init(&state->screen, &state->queue, &delimiter)
				: gather_init(&state->gather, &state->queue, &delimiter);
	}
	if (r < 0)
		env_say(s->env, SAY_ERROR, "no memory for output", "error=%s", strerror(-r));
	return r;
}

static void release_batches(struct stdout_state *state)
{
	gather_release(&state->gather);
	batch_free(&state->current);
}

static void stdout_close(struct stage *s)
{
	struct stdout_state *state = s->state;
	if (!state)
		return;
	release_batches(state);
	screen_release(&state->screen);
	free(state);
	s->state = NULL;
}

/* Of the current batch, as much as there is room for. True if that is all of it. */
static bool put(struct stdout_state *state)
{
	struct batch *b = state->current;
	if (state->terminal)
		state->cursor += screen_put(&state->screen, b, state->cursor);
	else
		state->cursor += gather_put(&state->gather, b, state->cursor, b->count);
	if (state->cursor < b->count)
		return false;
	if (state->terminal)
		screen_batch_end(&state->screen, &state->current);
	else
		gather_batch_end(&state->gather, &state->current);
	return true;
}

static bool retire(struct stdout_state *state)
{
	return state->terminal ? screen_retire(&state->screen, &state->stored)
			       : gather_retire(&state->gather, &state->stored);
}

static void submit(struct stdout_state *state)
{
	if (state->terminal)
		screen_submit(&state->screen);
	else
		gather_submit_lazily(&state->gather);
}

static bool is_empty(const struct stdout_state *state)
{
	return state->terminal ? screen_is_empty(&state->screen) : gather_is_empty(&state->gather);
}

/* Takes batches as long as there is room for them. */
static void take(struct stdout_state *state, struct inlet *in)
{
	for (;;) {
		if (!state->current) {
			state->current = inlet_take(in);
			state->cursor = 0;
		}
		if (!state->current || !put(state))
			return;
	}
}

static void count_stored(struct stage *s, struct inlet *in)
{
	struct stdout_state *state = s->state;
	inlet_done(in, stored_count(&state->stored, s->counters, env_now_ns(s->env)));
}

/* What had been written before counts as out, whoever read it. */
static int end_early(struct stage *s, struct inlet *in, int error)
{
	struct stdout_state *state = s->state;
	gather_add_written(&state->gather, &state->stored);
	count_stored(s, in);
	if (!write_queue_is_busy(&state->queue))
		release_batches(state); /* others who share them go on */
	if (error == -EPIPE) {
		env_say(s->env, SAY_INFO, "standard output's reader went away", "records=%ju",
			(uintmax_t)counter_get(&s->counters->records_out));
		return STEP_DONE;
	}
	env_say(s->env, SAY_ERROR, "write failed", "path=%s error=%s", state->queue.path,
		strerror(-error));
	return error;
}

static int stdout_step(struct stage *s, struct inlet *in)
{
	struct stdout_state *state = s->state;
	bool retired = retire(state);
	if (retired)
		count_stored(s, in);
	take(state, in);
	if (!state->current)
		submit(state);
	int r = write_queue_step(&state->queue);
	return r < 0 ? end_early(s, in, r) : retired;
}

static int stdout_finish(struct stage *s, struct inlet *in)
{
	struct stdout_state *state = s->state;
	int r = stdout_step(s, in);
	return r == STEP_WAIT && is_empty(state) ? STEP_DONE : r;
}

static size_t stdout_memory(const void *options)
{
	(void)options;
	size_t screen = screen_footprint(), gather = gather_footprint();
	return sizeof(struct stdout_state) + (screen > gather ? screen : gather);
}

static const char *stdout_guarantee(const void *options, bool stream, bool epochs)
{
	(void)epochs;
	(void)options;
	(void)stream;
	return "handed to standard output, all of it after a drained stop; what its reader does "
	       "not read is lost";
}

const struct stage_type stdout_sink_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "stdout",
	       .summary = "writes records to standard output",
	       .options = stdout_table,
	       .options_size = sizeof(struct stdout_options),
	       .only_one = true},
    .open = stdout_open,
    .close = stdout_close,
    .sink_step = stdout_step,
    .sink_finish = stdout_finish,
    .memory = stdout_memory,
    .guarantee = stdout_guarantee,
    .standard_output = true,
};
