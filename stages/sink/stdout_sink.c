/* stdout_sink.c - records to standard output, gathered into large writes; to a terminal, escaped.
 *
 * What is made of a record is `encoding`'s (stages/encoding.h). In CSV the columns' names stand before all: once for the process,
 * however often its topology is loaded anew, as its output is one.
 *
 * A reader that goes away (`| head`) has seen what it wanted: a clean end. */
#include "stages/builtin.h"
#include "stages/encoding.h"
#include "stages/gather.h"
#include "stages/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stdout_options {
	struct encoding_or_delimiter written;
};

static const struct option stdout_table[] = {
    ENCODING_OR_DELIMITER_ROWS(offsetof(struct stdout_options, written), "before all"),
    {0},
};

/* What stands before all records; a write of its own, as it counts as none of them. */
struct title {
	uint8_t *bytes; /* NULL: there is none, or it is written */
	struct iovec span;
	struct write write;
	bool is_put;
};

struct stdout_state {
	struct space_wait space;
	struct write_queue queue;
	struct title title;
	bool terminal;
	struct screen screen; /* if it is a terminal, */
	struct gather gather; /* if not */
	struct batch *current;
	uint32_t cursor; /* its first record not put yet */
	struct stored stored;
};

static void stdout_check(const void *options, struct place at, struct problems *problems)
{
	const struct stdout_options *o = options;
	encoding_or_delimiter_check(&o->written, at, problems);
}

static const struct stage_schema *stdout_companion(const void *options, const void **ret_options)
{
	return encoding_companion(&((const struct stdout_options *)options)->written.encoding,
				  ret_options);
}

/* ---- the title ---- */

/* By this process. */
static bool has_title;

/* All but the delimiter, which is the topology's word. */
static int escape_title(struct title *t, size_t delimiter)
{
	enum { GROWTH = 4 };
	size_t length = t->span.iov_len - delimiter;
	uint8_t *shown = malloc(GROWTH * length + delimiter);
	if (!shown)
		return -ENOMEM;
	t->span.iov_len = screen_escape(shown, t->bytes, length);
	memcpy(shown + t->span.iov_len, t->bytes + length, delimiter);
	t->span.iov_len += delimiter;
	free(t->bytes);
	t->bytes = shown;
	return 0;
}

static int make_title(struct title *t, const struct stage *s)
{
	const struct stdout_options *o = s->options;
	if (has_title)
		return 0;
	int r = encoding_title(&o->written.encoding, &t->bytes, &t->span.iov_len);
	if (r == 0 && t->bytes && s->terminal)
		r = escape_title(t, o->written.encoding.delimiter.length);
	return r;
}

/* False: it is on its way. */
static bool title_is_out(struct title *t, struct write_queue *queue)
{
	if (!t->bytes)
		return true;
	if (!t->is_put) {
		t->span.iov_base = t->bytes;
		t->write = (struct write){.spans = &t->span, .count = 1, .length = t->span.iov_len};
		write_queue_put(queue, &t->write);
		t->is_put = has_title = true;
	}
	if (!write_queue_take(queue))
		return false;
	free(t->bytes);
	t->bytes = NULL;
	return true;
}

/* ---- the sink ---- */

static int stdout_open(struct stage *s)
{
	const struct stdout_options *o = s->options;
	struct delimiter delimiter = encoding_or_delimiter_of(&o->written);
	struct stdout_state *state = calloc(1, sizeof *state);
	s->state = state;
	int r = -ENOMEM;
	if (state) {
		space_wait_init(&state->space, s->env, s->counters);
		write_queue_init(&state->queue, s->env, &state->space);
		write_queue_bind(&state->queue, STDOUT_FILENO, true, 0, "standard output");
		state->terminal = s->terminal;
		r = s->terminal
			? screen_init(&state->screen, &state->queue, &delimiter)
			: gather_init(&state->gather, &state->queue, &delimiter, GATHER_BLOCK);
	}
	if (r == 0)
		r = make_title(&state->title, s);
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
	free(state->title.bytes);
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
	bool titled = title_is_out(&state->title, &state->queue);
	bool retired = titled && retire(state);
	if (retired)
		count_stored(s, in);
	if (titled)
		take(state, in);
	if (titled && !state->current)
		submit(state);
	int r = write_queue_step(&state->queue);
	return r < 0 ? end_early(s, in, r) : retired;
}

static int stdout_finish(struct stage *s, struct inlet *in)
{
	struct stdout_state *state = s->state;
	int r = stdout_step(s, in);
	bool is_over = !state->title.bytes && is_empty(state);
	return r == STEP_WAIT && is_over ? STEP_DONE : r;
}

static size_t stdout_memory(const void *options)
{
	(void)options;
	size_t screen = screen_footprint(), gather = gather_footprint(GATHER_BLOCK);
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
	       .check = stdout_check,
	       .companion = stdout_companion,
	       .only_one = true},
    .open = stdout_open,
    .close = stdout_close,
    .sink_step = stdout_step,
    .sink_finish = stdout_finish,
    .memory = stdout_memory,
    .guarantee = stdout_guarantee,
    .standard_output = true,
};
