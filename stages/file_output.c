#include "stages/file_feeding.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FLUSH_DRY_NS 50000000u        /* compressed: input has been dry for that long */
#define FLUSH_AGE_NS 1000000000u      /* or comes in drops, and the first is that old */
#define FLUSH_AGE_CUT_NS 10000000000u /* the same where cuts flush */

enum {
	FRAME_INPUT_MIN = 4096,
	UNFLUSHED_MAX = 128, /* batches: whoever gave them may not have many more */
};

size_t file_output_footprint(bool zstd, int level, unsigned workers)
{
	return sizeof(struct file_output) +
	       (zstd ? zstd_frames_footprint(level, workers) : gather_footprint());
}

/* Frames no larger than a file may become; compressed they are smaller. */
static uint64_t frame_input(uint64_t rotate_size)
{
	if (rotate_size == 0 || rotate_size >= ZSTD_FRAME_INPUT)
		return ZSTD_FRAME_INPUT;
	return rotate_size > FRAME_INPUT_MIN ? rotate_size : FRAME_INPUT_MIN;
}

/* Not the one that is open; which that is will be known when it has been opened. */
static enum keep_answer may_delete(void *owner, uint64_t inode)
{
	const struct file_output *f = owner;
	const struct output_file *file = &f->file;
	bool is_open = file->state >= OUTPUT_READY;
	if (!is_open && file->state != OUTPUT_CLOSED && !output_file_awaits_reader(file))
		return KEEP_ASK_AGAIN;
	bool is_this = is_open && file->status.inode == inode;
	return is_this || output_epochs_needs(&f->epochs, inode) ? KEEP_IT : KEEP_DELETE_IT;
}

static void init_keep(struct file_output *f)
{
	output_keep_init(&f->keep, f->env, f->counters, f->options.template);
	f->keep.keep_ns = f->options.keep_ns;
	f->keep.may_delete = may_delete;
	f->keep.owner = f;
	if (f->options.keep_ns > 0)
		output_epochs_keep_track(&f->epochs);
}

/* Without epochs there is no cut that would have to wait. */
static uint64_t back_bytes(const struct file_output *f)
{
	uint64_t given = f->env->io->back_bytes;
	if (!f->options.memory.state_dir)
		return 0;
	return given ? given : WRITE_BACK_BYTES;
}

int file_output_init(struct file_output *f, const struct file_output_options *options,
		     struct env *env, struct stage_counters *counters)
{
	memset(f, 0, sizeof *f);
	f->env = env;
	f->counters = counters;
	f->options = *options;
	f->named_second = INT64_MIN;
	space_wait_init(&f->space, env, counters);
	f->space.secret = options->template->secret;
	write_queue_init(&f->queue, env, &f->space);
	f->queue.back_bytes = back_bytes(f);
	output_file_init(&f->file, env, counters, &f->space, options->template, options->zstd);
	int r = output_epochs_init(&f->epochs, env, counters, &f->space, &options->memory);
	if (r < 0)
		return r;
	init_keep(f);
	output_watch_init(&f->watch, env);
	if (f->epochs.on) {
		f->file.journal = &f->epochs.journal;
		f->file.settling = &f->epochs.settling;
	}
	if (!options->zstd)
		return gather_init(&f->gather, &f->queue, &options->delimiter);
	struct zstd_frames_options frames = {
	    .level = options->level,
	    .workers = options->workers,
	    .frame_input = frame_input(options->rotate_size),
	    .length_max = options->rotate_size,
	    .delimiter = options->delimiter,
	    .patient = f->epochs.on,
	};
	return zstd_frames_init(&f->frames, &frames, env, &f->queue);
}

static void release_batches(struct file_output *f)
{
	if (f->options.zstd)
		zstd_frames_release(&f->frames);
	else
		gather_release(&f->gather);
	batch_free(&f->current);
}

void file_output_release(struct file_output *f)
{
	output_file_release(&f->file);
	output_keep_release(&f->keep);
	output_epochs_release(&f->epochs);
	release_batches(f);
}

int file_output_let_go(struct file_output *f)
{
	if (write_queue_is_busy(&f->queue) ||
	    (f->options.zstd && zstd_frames_is_working(&f->frames)))
		return STEP_WAIT;
	release_batches(f);
	return STEP_DONE;
}

void file_output_put(struct file_output *f, struct batch **b)
{
	assert(!f->current);
	f->current = *b;
	f->cursor = f->group_end = 0;
	if (f->options.groups)
		path_groups_begin(f->options.groups, f->current);
	*b = NULL;
	feeding_feed(f);
}

/* ---- writing ---- */

static int take_stored(struct file_output *f)
{
	int more = STEP_WAIT;
	if (f->options.zstd)
		more = zstd_frames_step(&f->frames, &f->stored);
	else if (gather_retire(&f->gather, &f->stored))
		more = STEP_MORE;
	if (f->stored.batches > 0 || f->stored.bytes > 0)
		f->done += stored_count(&f->stored, f->counters, env_now_ns(f->env));
	if (more < 0)
		env_say(f->env, SAY_ERROR, "compression failed", "path=%s error=%s",
			output_file_shown(&f->file), strerror(-more));
	return more;
}

/* Compressed data is held back a little while input comes, for the ratio's sake. */
static void flush_in_time(struct file_output *f)
{
	if (!zstd_frames_is_unflushed(&f->frames))
		return;
	uint64_t dry = f->put_ns + FLUSH_DRY_NS, old = f->unflushed_ns + FLUSH_AGE_NS;
	uint64_t when = dry < old ? dry : old;
	if (f->epochs.on)
		when =
		    f->unflushed_ns + (f->frames.unflushed < UNFLUSHED_MAX ? FLUSH_AGE_CUT_NS : 0);
	if (env_now_ns(f->env) >= when)
		zstd_frames_flush(&f->frames);
	else
		env_wake_at(f->env, when);
}

/* Lets go of what is held back for larger writes, as far as it should be. */
static void hand_over(struct file_output *f)
{
	bool all = f->feed == FEED_ENDED || f->change != CHANGE_NONE;
	f->frames.dry = f->feed == FEED_DRY;
	if (f->options.zstd && all)
		zstd_frames_end(&f->frames);
	else if (f->options.zstd && f->cutting)
		zstd_frames_flush(&f->frames);
	else if (f->options.zstd && f->feed == FEED_DRY)
		flush_in_time(f);
	else if (!f->options.zstd && (all || f->cutting))
		gather_submit(&f->gather);
	else if (!f->options.zstd && f->feed == FEED_DRY)
		gather_submit_lazily(&f->gather);
}

static int write_out(struct file_output *f)
{
	f->queue.hurried = f->feed == FEED_ENDED;
	int r = write_queue_step(&f->queue);
	if (r == -EPIPE && f->queue.stream && f->change != CHANGE_REOPEN) {
		env_say(f->env, SAY_WARN, "reader went away, waiting for another", "path=%s",
			output_file_shown(&f->file));
		f->change = CHANGE_REOPEN;
	}
	if (r == 0 || (r == -EPIPE && f->queue.stream))
		return STEP_WAIT;
	counter_add(&f->counters->errors, 1);
	env_say(f->env, SAY_ERROR, "write failed", "path=%s error=%s", output_file_shown(&f->file),
		strerror(-r));
	return r;
}

/* ---- changing files ---- */

static void bind(struct file_output *f)
{
	struct output_file *file = &f->file;
	if (file->fifo)
		write_queue_bind_fifo(&f->queue, file->fd, output_file_shown(file));
	else
		write_queue_bind(&f->queue, file->fd, file->stream, file->length,
				 output_file_shown(file));
	f->opened = true;
	f->looked = false;
	f->watch.next_ns = env_now_ns(f->env) + OUTPUT_WATCH_NS;
	f->put_ns = env_now_ns(f->env);
	int64_t now = env_wall_ns(f->env);
	if (now < f->moment_ns)
		now = f->moment_ns;
	f->period = feeding_period(f, file->length > 0 ? file->modified_ns : now);
}

/* All that was put is written, so that it ends with a whole frame if with any. */
static void close_file(struct file_output *f, bool rename)
{
	const struct io_status *status = &f->file.status;
	f->file.known = (struct output_end){
	    .inode = status->inode, .birth_ns = status->birth_ns, .length = f->queue.end};
	write_queue_unbind(&f->queue);
	output_file_close(&f->file, rename);
	output_keep_note(&f->keep);
	if (!rename && !f->options.groups)
		f->reopen_after = f->epochs.settling.taken;
}

/* Of what is to be put next; where something that was put has no file any more, of that. */
static int open_file_of_group(struct file_output *f)
{
	const char *path = f->next_path;
	uint32_t end;
	if (feeding_is_empty(f) && f->current->count == 0) {
		batch_free(&f->current); /* and nothing before it is still to be stored */
		f->done++;
		return STEP_MORE;
	}
	if (feeding_is_empty(f))
		path = feeding_path(f, &end);
	if (!path)
		return -ENAMETOOLONG;
	if (output_settling_holds(&f->epochs.settling, path))
		return STEP_WAIT;
	output_file_open_path(&f->file, path);
	return STEP_MORE;
}

/* Opens the file when there is something for it, or the first time just to see that it can be written. */
static int open_file(struct file_output *f)
{
	bool first = !f->opened && !f->options.template->varies;
	if (!f->current && feeding_is_empty(f) && !first)
		return STEP_WAIT;
	if (f->left)
		f->reopen_after = f->epochs.settling.taken;
	f->left = false;
	if (f->epochs.settling.settled < f->reopen_after || output_keep_is_deleting(&f->keep))
		return STEP_WAIT;
	if (f->options.groups)
		return open_file_of_group(f);
	if (f->current && feeding_is_empty(f))
		f->moment_ns = feeding_moment(f, f->current->wall_ns);
	else if (f->moment_ns == 0)
		f->moment_ns = env_wall_ns(f->env);
	int r = output_file_open(&f->file, f->moment_ns);
	return r < 0 ? r : STEP_MORE;
}

static int step_file(struct file_output *f)
{
	int r = output_file_step(&f->file);
	if (r < 0)
		return r;
	if (f->file.state == OUTPUT_READY && !feeding_is_open(f)) {
		bind(f);
		return STEP_MORE;
	}
	if (f->file.state == OUTPUT_CLOSED && f->file.failed)
		return f->file.failed;
	if (f->file.state == OUTPUT_CLOSED && !f->closing)
		return r | open_file(f);
	return r;
}

/* Sees to the ends that come with time rather than with a record. */
static void watch_clock(struct file_output *f)
{
	if (!feeding_is_open(f) || f->queue.stream || f->change != CHANGE_NONE)
		return;
	uint64_t now = env_now_ns(f->env);
	uint64_t interval = f->options.rotate_interval_ns, idle = f->options.rotate_idle_ns;
	if (interval > 0 && (feeding_length(f) > 0 || !feeding_is_empty(f))) {
		int64_t wall = env_wall_ns(f->env);
		if (feeding_is_outdated(f, wall))
			f->change = CHANGE_ROTATE;
		else
			env_wake_at(f->env, now + interval - (uint64_t)wall % interval);
	}
	if (idle > 0 && now >= f->put_ns + idle)
		f->change = CHANGE_CLOSE;
	else if (idle > 0)
		env_wake_at(f->env, f->put_ns + idle);
}

/* The next reader begins where a record does, or a zstd frame. False: what there is to give back is not known yet. */
static bool take_back(struct file_output *f)
{
	if (write_queue_is_busy(&f->queue) ||
	    !write_queue_recall(&f->queue, f->options.zstd ? NULL : &f->options.delimiter))
		return false;
	if (f->options.zstd)
		zstd_frames_restart(&f->frames);
	return true;
}

/* True while its file must stay open. */
static bool holds_file(const struct file_output *f)
{
	if (f->watch.looking || f->queue.bringing.busy)
		return true;
	return f->epochs.on && (output_epochs_uses_file(&f->epochs) ||
				!output_settling_has_room(&f->epochs.settling));
}

/* ---- what others do to it ---- */

/* Bytes written behind the end of a file that was cut would leave a hole: no records are among them. */
static void leave_file(struct file_output *f)
{
	uint64_t length = f->was_cut ? f->left_length : f->queue.end;
	bool cuts = f->was_cut && f->queue.end > f->watch.end;
	write_queue_unbind(&f->queue);
	output_file_leave(&f->file, length, cuts);
	f->left = true;
}

static void find(struct file_output *f, enum output_finding found)
{
	f->was_cut = found == OUTPUT_CUT;
	f->left_length = f->watch.status.size;
	f->change = CHANGE_LEAVE;
	if (f->was_cut)
		env_say(f->env, SAY_WARN,
			"output was cut by somebody else, going on behind what is left",
			"path=%s was=%" PRIu64 " is=%" PRIu64, output_file_shown(&f->file),
			f->watch.end, f->left_length);
	else
		env_say(f->env, SAY_WARN,
			"output was moved away or deleted, going on in a new file", "path=%s",
			output_file_shown(&f->file));
}

/* What has been written since it was looked at must not be lost by cutting it. */
static bool is_quiet(const struct file_output *f)
{
	return feeding_is_settled(f) && f->queue.end == f->watch.end;
}

/* STEP_WAIT while it is being looked at. */
static int take_finding(struct file_output *f)
{
	if (!f->watch.looking)
		return STEP_DONE;
	enum output_finding found = output_watch_finding(&f->watch, &f->file);
	if (found == OUTPUT_LOOKING)
		return STEP_WAIT;
	bool acts = found == OUTPUT_MOVED || (found == OUTPUT_CUT && is_quiet(f));
	if (acts && f->change == CHANGE_NONE)
		find(f, found);
	return STEP_MORE;
}

/* Now and then, also where there are no cuts. */
static int watch_others(struct file_output *f)
{
	if (!feeding_is_open(f) || f->queue.stream)
		return STEP_WAIT;
	if (f->watch.looking)
		return take_finding(f);
	if (env_now_ns(f->env) < f->watch.next_ns) {
		env_wake_at(f->env, f->watch.next_ns);
		return STEP_WAIT;
	}
	if (f->change == CHANGE_NONE)
		output_watch_begin(&f->watch, &f->file, feeding_is_settled(f) ? f->queue.end : 0);
	return STEP_WAIT;
}

/* For a cut, or the end: all is written, and no more will be before STEP_DONE. */
static int look_at_file(struct file_output *f)
{
	if (!feeding_is_open(f) || f->queue.stream)
		return STEP_DONE;
	if (f->watch.looking)
		return STEP_WAIT;
	if (f->looked || f->change != CHANGE_NONE)
		return f->looked && f->change == CHANGE_NONE ? STEP_DONE : STEP_WAIT;
	f->looked = true;
	output_watch_begin(&f->watch, &f->file, f->queue.end);
	return STEP_WAIT;
}

static int change_file(struct file_output *f)
{
	if (!feeding_is_open(f))
		return STEP_WAIT;
	watch_clock(f);
	if (holds_file(f))
		return STEP_WAIT;
	bool rename = f->change == CHANGE_ROTATE && f->queue.end > 0;
	bool leaves = f->change == CHANGE_LEAVE;
	if (f->change == CHANGE_REOPEN) {
		if (!take_back(f))
			return STEP_WAIT;
	} else if (f->options.zstd && f->frames.wants_file) {
		if (!zstd_frames_is_between(&f->frames))
			return STEP_WAIT;
		f->frames.wants_file = false;
		close_file(f, true); /* the change that may be pending is still to come */
		return STEP_MORE;
	} else if (f->change == CHANGE_NONE || !feeding_is_empty(f)) {
		return STEP_WAIT;
	}
	f->change = CHANGE_NONE;
	if (leaves)
		leave_file(f);
	else
		close_file(f, rename);
	return STEP_MORE;
}

/* ---- all of it ---- */

/* Something failed and was said: closes the file, then returns the error. */
static int give_up(struct file_output *f)
{
	if (write_queue_is_busy(&f->queue) || f->epochs.op.op.busy || f->keep.op.busy ||
	    f->watch.op.busy)
		return STEP_WAIT;
	f->file.settling = NULL;
	if (feeding_is_open(f))
		write_queue_unbind(&f->queue);
	if (f->file.state == OUTPUT_READY)
		output_file_close(&f->file, false);
	int r = output_file_step(&f->file);
	return f->file.state == OUTPUT_CLOSED || r < 0 ? f->failed : r;
}

static int hand_over_and_write(struct file_output *f)
{
	hand_over(f);
	int stored = take_stored(f);
	if (stored < 0)
		return stored;
	int written = write_out(f);
	return written < 0 ? written : stored | written;
}

static int step_epochs(struct file_output *f)
{
	return output_epochs_step(&f->epochs);
}

static int step_keep(struct file_output *f)
{
	return output_keep_step(&f->keep);
}

static int recover(struct file_output *f)
{
	if (output_epochs_is_recovered(&f->epochs))
		return STEP_DONE;
	int r = output_epochs_recover(&f->epochs);
	if (r == STEP_DONE)
		f->file.known = f->epochs.restored;
	return r;
}

int file_output_step(struct file_output *f, enum feed expected)
{
	static int (*const parts[])(struct file_output *) = {
	    step_file,   feeding_feed, hand_over_and_write, watch_others, change_file,
	    step_epochs, step_keep};
	f->feed = expected;
	if (f->failed)
		return give_up(f);
	int more = recover(f);
	if (more != STEP_DONE) {
		f->failed = more < 0 ? more : 0;
		return more < 0 ? STEP_MORE : more;
	}
	more = STEP_WAIT;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		int r = parts[i](f);
		if (r < 0) {
			f->failed = r;
			return STEP_MORE;
		}
		more |= r;
	}
	return more;
}

size_t file_output_take_done(struct file_output *f)
{
	size_t done = f->done;
	f->done = 0;
	return done;
}

/* All is written. An empty file is no zstd file: it gets a frame without records. */
static int close_for_good(struct file_output *f)
{
	if (feeding_is_open(f) && f->options.zstd && !f->queue.stream && f->queue.end == 0) {
		zstd_frames_put_nothing(&f->frames);
	} else if (feeding_is_open(f) && holds_file(f)) {
		return STEP_WAIT;
	} else if (feeding_is_open(f)) {
		f->closing = true;
		if (f->epochs.on && !f->queue.stream)
			output_epochs_note_end(&f->epochs, &f->file, f->queue.end);
		close_file(f, false);
	} else if (output_file_awaits_reader(&f->file)) {
		f->closing = true;
		output_file_abandon(&f->file);
	} else {
		return f->file.state == OUTPUT_CLOSED ? STEP_DONE : STEP_WAIT;
	}
	return STEP_MORE;
}

int file_output_finish(struct file_output *f)
{
	int r = file_output_step(f, FEED_ENDED);
	if (r < 0 || f->failed || f->current || !feeding_is_empty(f) || f->change != CHANGE_NONE)
		return r;
	if (!output_epochs_is_recovered(&f->epochs) || output_keep_is_busy(&f->keep))
		return r;
	int looked = f->closing ? STEP_DONE : look_at_file(f);
	if (looked != STEP_DONE)
		return r | looked;
	int closing = close_for_good(f);
	if (closing == STEP_DONE && !f->ended) {
		f->ended = true;
		output_epochs_end(&f->epochs);
	}
	return closing == STEP_WAIT ? r : closing;
}

/* ---- epochs ---- */

/* True if all that was put is written, and neither the file nor the epoch before is between two states. */
static bool is_cut(const struct file_output *f)
{
	const struct output_file *file = &f->file;
	bool steady =
	    feeding_is_open(f) || file->state == OUTPUT_CLOSED || output_file_awaits_reader(file);
	return output_epochs_is_recovered(&f->epochs) && !f->failed && !f->current && steady &&
	       f->change == CHANGE_NONE && feeding_is_settled(f);
}

int file_output_cut(struct file_output *f, uint64_t epoch)
{
	f->cutting = true;
	int r = file_output_step(f, FEED_DRY);
	if (r < 0 || !is_cut(f))
		return r;
	int looked = look_at_file(f);
	if (looked != STEP_DONE)
		return r | looked;
	f->cutting = f->looked = false;
	bool regular = feeding_is_open(f) && !f->queue.stream;
	uint64_t whole = f->options.zstd ? zstd_frames_whole(&f->frames) : f->queue.end;
	output_epochs_cut(&f->epochs, regular ? &f->file : NULL, f->queue.end, whole, epoch);
	return STEP_DONE;
}

int file_output_sync(struct file_output *f, struct delta *d)
{
	return output_epochs_put(&f->epochs, d);
}

void file_output_committed(struct file_output *f, uint64_t epoch)
{
	output_epochs_committed(&f->epochs, epoch);
}
