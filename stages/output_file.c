#include "stages/descriptor.h"
#include "stages/output_states.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

void output_file_init(struct output_file *f, struct env *env, struct stage_counters *counters,
		      struct space_wait *space, const struct path_template *template, bool zstd)
{
	memset(f, 0, sizeof *f);
	f->env = env;
	f->counters = counters;
	f->space = space;
	f->template = template;
	f->zstd = zstd;
	f->fd = -1;
	f->peeking = -1;
	f->directory = -1;
	f->held = -1;
	f->above = -1;
}

void output_file_release(struct output_file *f)
{
	int *const open[] = {&f->fd, &f->peeking, &f->directory, &f->held, &f->above};
	if (!f->env)
		return;
	assert(!f->op.busy && !f->frame.op.op.busy);
	open_frame_release(&f->frame);
	for (size_t i = 0; i < sizeof open / sizeof *open; i++)
		descriptor_close(f->env->io, open[i]);
}

/* Nothing to do: the next step sees that the operation is no longer busy. */
static void on_done(struct io_op *op)
{
	(void)op;
}

void output_submit(struct output_file *f, struct io_op op)
{
	f->op = op;
	f->op.done = on_done;
	f->op.owner = f;
	io_submit(f->env->io, &f->op);
}

const char *output_name_in_directory(const struct output_file *f)
{
	return f->path + f->walked;
}

void output_try_again_at(struct output_file *f, uint64_t when_ns)
{
	f->again = true;
	f->again_at_ns = when_ns;
}

static struct output_act act(enum output_file_state state)
{
	struct output_act a = output_directory_acts[state];
	if (!a.begin)
		a = output_opening_acts[state];
	if (!a.begin)
		a = output_mending_acts[state];
	return a.begin ? a : output_closing_acts[state];
}

void output_go(struct output_file *f, enum output_file_state state)
{
	f->state = state;
	struct output_act a = act(state);
	if (a.begin)
		a.begin(f);
}

int output_file_holder(const struct output_file *f)
{
	return f->template->varies ? f->directory : f->held;
}

static void settle(struct output_file *f)
{
	int *holder = f->template->varies ? &f->directory : &f->held;
	output_settling_take(f->settling, &f->fd, holder, f->path);
}

void output_go_to_closed(struct output_file *f)
{
	if (f->fd >= 0 && f->settling && !f->stream && !f->failed)
		settle(f);
	if (f->peeking >= 0)
		output_go(f, OUTPUT_PEEK_CLOSE);
	else if (f->fd >= 0)
		output_go(f, OUTPUT_CLOSE);
	else if (f->directory >= 0)
		output_go(f, OUTPUT_CLOSE_DIRECTORY);
	else if (f->held >= 0)
		output_go(f, OUTPUT_CLOSE_HELD);
	else
		output_go(f, OUTPUT_CLOSED);
}

const char *output_file_shown(const struct output_file *f)
{
	return path_template_shown(f->template, f->path);
}

void output_fail(struct output_file *f, const char *what, int64_t result)
{
	counter_add(&f->counters->errors, 1);
	env_say(f->env, SAY_ERROR, what, "path=%s error=%s", output_file_shown(f),
		strerror((int)-result));
	f->failed = (int)result;
	output_go_to_closed(f);
}

void output_fail_missing(struct output_file *f)
{
	counter_add(&f->counters->errors, 1);
	env_say(f->env, SAY_ERROR, "output directory missing", "path=%s error=%s cure=%s",
		output_file_shown(f), strerror(ENOENT),
		"make it; only directories named after the time are made here");
	f->failed = -ENOENT;
	output_go_to_closed(f);
}

void output_file_open(struct output_file *f, const char *path)
{
	assert(f->state == OUTPUT_CLOSED && strlen(path) < sizeof f->path);
	if (strcmp(f->path, path) != 0)
		f->renamed_second =
		    0; /* whoever had it before may have renamed it this second, too */
	memccpy(f->path, path, '\0', sizeof f->path);
	f->walked = 0;
	f->made = false;
	f->lock = (struct lock_wait){0};
	f->replaced = 0;
	f->directory = f->template->varies ? -1 : AT_FDCWD;
	output_go(f, f->template->varies ? OUTPUT_BASE : OUTPUT_OPEN);
}

void output_file_close(struct output_file *f, bool rename)
{
	assert(f->state == OUTPUT_READY);
	assert(!f->settling || output_settling_has_room(f->settling));
	if (rename && !f->stream)
		output_go(f, f->journal ? OUTPUT_NOTE_RENAMED : OUTPUT_RENAME);
	else
		output_go_to_closed(f);
}

void output_file_leave(struct output_file *f, uint64_t length, bool cut)
{
	assert(f->state == OUTPUT_READY && !f->stream);
	assert(!f->settling || output_settling_has_room(f->settling));
	f->left_length = length;
	f->cuts = cut;
	if (f->journal)
		output_go(f, OUTPUT_NOTE_LEFT);
	else if (cut)
		output_go(f, OUTPUT_CUT_BACK);
	else
		output_go_to_closed(f);
}

bool output_file_awaits_reader(const struct output_file *f)
{
	return (f->state == OUTPUT_OPEN || f->state == OUTPUT_CREATE) && f->again &&
	       f->reader_awaited;
}

void output_file_abandon(struct output_file *f)
{
	assert(output_file_awaits_reader(f));
	f->again = false;
	output_go_to_closed(f);
}

static bool is_closing(enum output_file_state state)
{
	return state == OUTPUT_LEAVE || state == OUTPUT_REOPEN || state == OUTPUT_PEEK_CLOSE ||
	       state == OUTPUT_CLOSE || state == OUTPUT_CLOSE_DIRECTORY ||
	       state == OUTPUT_CLOSE_HELD;
}

/* After one that failed, another would promise nothing of what came before. */
static bool is_syncing(enum output_file_state state)
{
	return state == OUTPUT_SYNC_ABOVE || state == OUTPUT_SYNC_RENAMED ||
	       state == OUTPUT_SYNC_FOUND;
}

/* True if the operation is to be repeated, and has been put off. */
static bool put_off(struct output_file *f, int64_t result)
{
	if (is_closing(f->state))
		return false;
	if (result == -EINTR || result == -EAGAIN) {
		output_try_again_at(f, 1);
	} else if (space_wait_applies(result) && !is_syncing(f->state)) {
		space_wait_failed(f->space, f->path, result);
		output_try_again_at(f, 0);
	}
	return f->again;
}

static bool too_early(struct output_file *f)
{
	if (f->again_at_ns == 0)
		return space_wait_pending(f->space);
	if (env_now_ns(f->env) >= f->again_at_ns)
		return false;
	env_wake_at(f->env, f->again_at_ns);
	return true;
}

static bool is_noting(enum output_file_state state)
{
	return state == OUTPUT_NOTE_CREATED || state == OUTPUT_NOTE_OPENED ||
	       state == OUTPUT_NOTE_RENAMED || state == OUTPUT_NOTE_LEFT;
}

/* What the journal fails with it has said itself. */
static int step_note(struct output_file *f)
{
	int r = undo_journal_step(f->journal);
	if (r == STEP_WAIT || r == STEP_MORE)
		return r;
	if (r < 0) {
		counter_add(&f->counters->errors, 1);
		f->failed = r;
		output_go_to_closed(f);
	} else {
		act(f->state).after(f, 0);
	}
	return STEP_MORE;
}

int output_file_step(struct output_file *f)
{
	if (f->state == OUTPUT_CLOSED)
		return f->failed ? f->failed : STEP_WAIT;
	if (f->state == OUTPUT_READY || f->op.busy)
		return STEP_WAIT;
	if (f->again) {
		if (too_early(f))
			return STEP_WAIT;
		f->again = false;
		output_go(f, f->state);
		return STEP_MORE;
	}
	if (is_noting(f->state))
		return step_note(f);
	if (f->state == OUTPUT_WALK || f->state == OUTPUT_CLOSE_FRAME)
		return output_mending_step(f);
	int64_t result = f->op.result;
	if (!put_off(f, result)) {
		if (result >= 0 && !is_closing(f->state))
			space_wait_succeeded(f->space, f->path);
		act(f->state).after(f, result);
	}
	return STEP_MORE;
}
