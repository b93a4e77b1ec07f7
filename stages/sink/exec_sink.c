/* exec_sink.c - records into a command's standard input, one command for as long as it goes well.
 *
 *   BEGIN --> BEGINNING --> TITLE --> FEED -- it has exited, or reads no more --> TAKE BACK --> OVER: it is waited for
 *     ^           |                    |                                            ^            |
 *     |           +-- no such program -|--------------------------------------------|----------> |
 *     |                                +-- no more will come, all of it was read ---+            +--> ENDED
 *     +---- later ---- PAUSE <---------- begun again -------------------------------------------+
 *
 * The pipe is written as a FIFO is (write_queue.h): a batch is stored when the command has read it, and what it has not read
 * when it ends is written to the next one, from the beginning of a record. None is given up: there is no `on_error`. */
#include "stages/builtin.h"
#include "stages/command/command.h"
#include "stages/command/restart.h"
#include "stages/encoding.h"
#include "stages/gather.h"
#include "stages/policy/rate_gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct exec_sink_options {
	struct command_options command;
	struct restart_options restart;
	uint64_t timeout;
	struct rate_gate_options gate;
	struct encoding_or_delimiter written;
};

static const struct option exec_sink_table[] = {
    COMMAND_OPTION_ROWS(offsetof(struct exec_sink_options, command), true),
    {"restart", OPTION_GROUP, offsetof(struct exec_sink_options, restart), .group = restart_table,
     .doc = "What becomes of it when the command has ended before all records have: `always`, "
	    "`on_failure`, `never`, or a map"},
    {"timeout", OPTION_DURATION, offsetof(struct exec_sink_options, timeout), .preset = "30s",
     .min = 1, .doc = "At the end of the input: how long it may take to read on, and then to end"},
    RATE_GATE_OPTION_ROWS(offsetof(struct exec_sink_options, gate),
			  "How much is written a second; what is more waits"),
    ENCODING_OR_DELIMITER_ROWS(offsetof(struct exec_sink_options, written),
			       "each time the command begins"),
    {0},
};

enum { FIGURE_BEGUN, FIGURE_KILLED, FIGURE_HELD };
static const char *const figures[] = {"commands begun", "commands killed", RATE_GATE_FIGURE_NAME,
				      NULL};

struct exec_sink {
	struct command command;
	struct restart restart;
	struct delimiter delimiter;
	struct space_wait space;
	struct write_queue queue;
	struct gather gather;
	struct batch *current;
	uint32_t cursor; /* its first record not put yet */
	uint32_t paid;   /* its first record that is not charged yet */
	struct rate_gate gate;
	struct stored stored;

	uint8_t *title; /* what each command gets first; NULL: nothing */
	size_t title_length, title_written;
	struct iovec title_span;
	struct io_op op;

	enum {
		EXEC_BEGIN,
		EXEC_BEGINNING,
		EXEC_TITLE,
		EXEC_FEED,
		EXEC_TAKE_BACK,
		EXEC_OVER,
		EXEC_PAUSE,
		EXEC_ENDED
	} at;
	bool ending; /* no more will come */
	/* Monotonic; by then it has to read on, while it is ending and fed; or to end, once its input is closed. 0: not yet known. */
	uint64_t deadline_ns;
	uint64_t moved; /* written and read, when last looked */
};

static void exec_sink_check(const void *options, struct place at, struct problems *problems)
{
	const struct exec_sink_options *o = options;
	command_options_check(&o->command, problems);
	restart_options_check(&o->restart, at, problems);
	encoding_or_delimiter_check(&o->written, at, problems);
}

static const struct stage_schema *exec_sink_companion(const void *options, const void **ret_options)
{
	return encoding_companion(&((const struct exec_sink_options *)options)->written.encoding,
				  ret_options);
}

static int init(struct stage *s, struct exec_sink *sink)
{
	const struct exec_sink_options *o = s->options;
	sink->delimiter = encoding_or_delimiter_of(&o->written);
	space_wait_init(&sink->space, s->env, s->counters);
	write_queue_init(&sink->queue, s->env, &sink->space);
	restart_init(&sink->restart, &o->restart);
	rate_gate_init(&sink->gate, &o->gate, s->env, &s->counters->figures[FIGURE_HELD]);
	int r = command_init(&sink->command, s, &o->command, true, false);
	if (r == 0)
		r = gather_init(&sink->gather, &sink->queue, &sink->delimiter, GATHER_BLOCK);
	if (r == 0)
		r = encoding_title(&o->written.encoding, &sink->title, &sink->title_length);
	return r;
}

static int exec_sink_open(struct stage *s)
{
	struct exec_sink *sink = calloc(1, sizeof *sink);
	s->state = sink;
	int r = sink ? init(s, sink) : -ENOMEM;
	if (r < 0)
		env_say(s->env, SAY_ERROR, "no memory for output", "error=%s", strerror(-r));
	return r;
}

static void release_batches(struct exec_sink *sink)
{
	gather_release(&sink->gather);
	batch_free(&sink->current);
}

static void exec_sink_close(struct stage *s)
{
	struct exec_sink *sink = s->state;
	if (!sink)
		return;
	assert(!sink->op.busy);
	release_batches(sink);
	command_release(&sink->command);
	free(sink->title);
	free(sink);
	s->state = NULL;
}

/* Records */

static void pay(struct stage *s, struct exec_sink *sink)
{
	uint64_t bytes;
	uint32_t n =
	    rate_portion_of(rate_gate_portion(&sink->gate), sink->current, sink->cursor, &bytes);
	if (n > 0)
		rate_gate_charge(&sink->gate, s->env, n, bytes);
	sink->paid = sink->cursor + n;
}

/* How far of its batch it may go now. */
static uint32_t may_go(struct stage *s, struct exec_sink *sink)
{
	if (!sink->gate.is_limited)
		return sink->current->count;
	if (sink->paid == sink->cursor)
		pay(s, sink);
	return rate_gate_is_open(&sink->gate, s->env) ? sink->paid : sink->cursor;
}

/* Takes batches as long as there is room for them. */
static void take(struct stage *s, struct exec_sink *sink, struct inlet *in)
{
	for (;;) {
		if (!sink->current) {
			sink->current = inlet_take(in);
			sink->cursor = sink->paid = 0;
		}
		struct batch *b = sink->current;
		if (!b)
			break;
		uint32_t end = may_go(s, sink);
		if (end == sink->cursor && end < b->count)
			break;
		sink->cursor += gather_put(&sink->gather, b, sink->cursor, end);
		if (sink->cursor < end)
			return;
		if (end == b->count)
			gather_batch_end(&sink->gather, &sink->current);
	}
	gather_submit_lazily(&sink->gather);
}

static bool retire(struct stage *s, struct exec_sink *sink, struct inlet *in)
{
	if (!gather_retire(&sink->gather, &sink->stored))
		return false;
	inlet_done(in, stored_count(&sink->stored, s->counters, env_now_ns(s->env)));
	return true;
}

static bool all_is_stored(const struct exec_sink *sink)
{
	return sink->ending && !sink->current && gather_is_empty(&sink->gather);
}

/* True once the time that it may take at the end has passed since the deadline was last forgotten. */
static bool is_late(struct stage *s, struct exec_sink *sink)
{
	const struct exec_sink_options *o = s->options;
	uint64_t now = env_now_ns(s->env);
	if (sink->deadline_ns == 0)
		sink->deadline_ns = now + o->timeout;
	if (now >= sink->deadline_ns)
		return true;
	env_wake_at(s->env, sink->deadline_ns);
	return false;
}

static int fail(struct stage *s, struct exec_sink *sink, const char *event, int error)
{
	counter_add(&s->counters->errors, 1);
	env_say(s->env, SAY_ERROR, event, "command=%s",
		command_options_shown(sink->command.options));
	return error;
}

/* The command */

static void on_done(struct io_op *op)
{
	(void)op;
}

static int begin(struct stage *s, struct exec_sink *sink)
{
	counter_add(&s->counters->figures[FIGURE_BEGUN], 1);
	sink->title_written = 0;
	sink->deadline_ns = 0;
	command_begin(&sink->command);
	sink->at = EXEC_BEGINNING;
	return STEP_MORE;
}

static int beginning(struct exec_sink *sink)
{
	if (sink->command.state == COMMAND_BEGINNING)
		return STEP_WAIT;
	sink->at = sink->command.input >= 0 ? EXEC_TITLE : EXEC_OVER;
	return STEP_MORE;
}

static int feed_from_here(struct exec_sink *sink)
{
	write_queue_bind_fifo(&sink->queue, sink->command.input,
			      command_options_shown(sink->command.options));
	sink->at = EXEC_FEED;
	return STEP_MORE;
}

static int submit_title(struct stage *s, struct exec_sink *sink)
{
	sink->title_span = (struct iovec){.iov_base = sink->title + sink->title_written,
					  .iov_len = sink->title_length - sink->title_written};
	sink->op = (struct io_op){.code = IO_WRITE,
				  .fd = sink->command.input,
				  .stream = true,
				  .write = {.spans = &sink->title_span, .count = 1},
				  .done = on_done};
	io_submit(s->env->io, &sink->op);
	return STEP_WAIT;
}

static void close_input(struct exec_sink *sink)
{
	command_close_input(&sink->command);
	sink->deadline_ns = 0;
	sink->at = EXEC_OVER;
}

/* Far less than a pipe holds, so it waits for nobody; most often all of it goes at once. */
static int write_title(struct stage *s, struct exec_sink *sink)
{
	if (sink->op.busy)
		return STEP_WAIT;
	int64_t n = sink->op.code == IO_WRITE ? sink->op.result : 0;
	sink->op.code = IO_CLOSE; /* looked at */
	if (n > 0)
		sink->title_written += (size_t)n;
	if (n < 0 && n != -EINTR && n != -EAGAIN) {
		close_input(sink);
		return STEP_MORE;
	}
	if (sink->title && sink->title_written < sink->title_length)
		return submit_title(s, sink);
	return feed_from_here(sink);
}

static int feed(struct stage *s, struct exec_sink *sink)
{
	int r = write_queue_step(&sink->queue);
	if (r < 0 || sink->command.state != COMMAND_RUNNING || all_is_stored(sink)) {
		sink->at = EXEC_TAKE_BACK;
		return STEP_MORE;
	}
	uint64_t moved = sink->queue.written + sink->queue.read;
	if (moved != sink->moved)
		sink->deadline_ns = 0;
	sink->moved = moved;
	if (sink->ending && is_late(s, sink)) {
		sink->command.at_fault = true;
		return fail(s, sink, "command does not read what is left", -ETIMEDOUT);
	}
	return STEP_WAIT;
}

/* Whoever else still has the other end need not read on. */
static void cancel_writes(struct stage *s, struct exec_sink *sink)
{
	for (struct write *w = sink->queue.first; w; w = w->next)
		io_cancel(s->env->io, &w->op);
}

/* When all is stored there may still be columns' names in the pipe, which stay there. */
static int take_back(struct stage *s, struct exec_sink *sink)
{
	struct write_queue *q = &sink->queue;
	if (write_queue_is_busy(q)) {
		cancel_writes(s, sink);
		return STEP_WAIT;
	}
	if (!all_is_stored(sink) && !write_queue_recall(q, &sink->delimiter))
		return STEP_WAIT;
	write_queue_unbind(q);
	close_input(sink);
	return STEP_MORE;
}

/* Its input is closed: time to end. */
static int await_end(struct stage *s, struct exec_sink *sink)
{
	struct command *c = &sink->command;
	if (c->state == COMMAND_RUNNING && !c->stopping && is_late(s, sink)) {
		env_say(s->env, SAY_WARN, "command does not end though its input has", "command=%s",
			command_options_shown(c->options));
		c->at_fault = true;
		command_stop(c);
		return STEP_MORE;
	}
	return STEP_WAIT;
}

static int over(struct stage *s, struct exec_sink *sink)
{
	if (sink->command.state != COMMAND_OVER)
		return await_end(s, sink);
	counter_add(&s->counters->figures[FIGURE_KILLED], sink->command.is_killed);
	bool is_needed = !all_is_stored(sink);
	bool again = restart_after(&sink->restart, &sink->command, s, is_needed);
	if (is_needed && !again)
		return fail(s, sink, "command has ended before the records, and is not begun again",
			    -EPIPE);
	sink->at = again ? EXEC_PAUSE : EXEC_ENDED;
	return STEP_MORE;
}

static int pause(struct stage *s, struct exec_sink *sink)
{
	if (all_is_stored(sink)) {
		sink->at = EXEC_ENDED;
		return STEP_MORE;
	}
	if (restart_pending(&sink->restart, s->env))
		return STEP_WAIT;
	sink->at = EXEC_BEGIN;
	return STEP_MORE;
}

static int turn(struct stage *s, struct exec_sink *sink)
{
	switch (sink->at) {
	case EXEC_BEGIN:
		return begin(s, sink);
	case EXEC_BEGINNING:
		return beginning(sink);
	case EXEC_TITLE:
		return write_title(s, sink);
	case EXEC_FEED:
		return feed(s, sink);
	case EXEC_TAKE_BACK:
		return take_back(s, sink);
	case EXEC_OVER:
		return over(s, sink);
	case EXEC_PAUSE:
		return pause(s, sink);
	case EXEC_ENDED:
		return STEP_WAIT;
	}
	abort();
}

static int exec_sink_step(struct stage *s, struct inlet *in)
{
	struct exec_sink *sink = s->state;
	bool moved = command_step(&sink->command) == STEP_MORE;
	moved |= retire(s, sink, in);
	take(s, sink, in);
	int r = turn(s, sink);
	return r == STEP_WAIT && moved ? STEP_MORE : r;
}

static int exec_sink_finish(struct stage *s, struct inlet *in)
{
	struct exec_sink *sink = s->state;
	sink->ending = true;
	int r = exec_sink_step(s, in);
	return r >= 0 && sink->at == EXEC_ENDED ? STEP_DONE : r;
}

static int exec_sink_let_go(struct stage *s)
{
	struct exec_sink *sink = s->state;
	if (write_queue_is_busy(&sink->queue)) {
		cancel_writes(s, sink);
		return STEP_WAIT;
	}
	release_batches(sink);
	return STEP_DONE;
}

/* Programs are begun there. */
static unsigned exec_sink_helpers(const void *options)
{
	(void)options;
	return 1;
}

static size_t exec_sink_memory(const void *options)
{
	(void)options;
	return sizeof(struct exec_sink) + gather_footprint(GATHER_BLOCK);
}

static const char *exec_sink_guarantee(const void *options, bool stream, bool remembers)
{
	(void)options, (void)stream, (void)remembers;
	return "at least once into the command's standard input; what it makes of what it has read "
	       "is its own";
}

const struct stage_type exec_sink_type = {
    .schema = {.kind = STAGE_SINK,
	       .name = "exec",
	       .summary = "writes records to a command's standard input",
	       .options = exec_sink_table,
	       .options_size = sizeof(struct exec_sink_options),
	       .check = exec_sink_check,
	       .companion = exec_sink_companion},
    .open = exec_sink_open,
    .close = exec_sink_close,
    .sink_step = exec_sink_step,
    .sink_finish = exec_sink_finish,
    .sink_let_go = exec_sink_let_go,
    .memory = exec_sink_memory,
    .helpers = exec_sink_helpers,
    .guarantee = exec_sink_guarantee,
    .figures = figures,
};
