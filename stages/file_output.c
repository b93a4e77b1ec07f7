#include "stages/file_output.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define SECOND_NS 1000000000
#define STEADY_NS (60 * (int64_t)SECOND_NS) /* a clock set back by less changes no file */
#define FLUSH_DRY_NS 50000000u              /* compressed: input has been dry for that long */
#define FLUSH_AGE_NS 1000000000u            /* or comes in drops, and the first is that old */

enum { FRAME_INPUT_MIN = 4096 };

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

int file_output_init(struct file_output *f, const struct file_output_options *options,
		     struct env *env, struct stage_counters *counters)
{
	memset(f, 0, sizeof *f);
	f->env = env;
	f->counters = counters;
	f->options = *options;
	f->named_second = INT64_MIN;
	space_wait_init(&f->space, env, counters);
	write_queue_init(&f->queue, env, &f->space);
	output_file_init(&f->file, env, counters, &f->space, options->template, options->zstd);
	if (!options->zstd)
		return gather_init(&f->gather, &f->queue, &options->delimiter);
	struct zstd_frames_options frames = {
	    .level = options->level,
	    .workers = options->workers,
	    .frame_input = frame_input(options->rotate_size),
	    .length_max = options->rotate_size,
	    .delimiter = options->delimiter,
	};
	return zstd_frames_init(&f->frames, &frames, env, &f->queue);
}

void file_output_release(struct file_output *f)
{
	if (f->options.zstd)
		zstd_frames_release(&f->frames);
	else
		gather_release(&f->gather);
	batch_free(&f->current);
}

/* True if all that was put is written. */
static bool is_empty(const struct file_output *f)
{
	return f->options.zstd ? zstd_frames_is_empty(&f->frames) : gather_is_empty(&f->gather);
}

static bool is_open(const struct file_output *f)
{
	return f->queue.fd >= 0;
}

/* The file's length when all is written that it can be told of now. */
static uint64_t length(const struct file_output *f)
{
	return f->queue.end + (f->options.zstd ? 0 : gather_open_length(&f->gather));
}

static int64_t moment_of(const struct file_output *f, int64_t wall_ns)
{
	bool set_back = wall_ns < f->moment_ns && f->moment_ns - wall_ns < STEADY_NS;
	return set_back ? f->moment_ns : wall_ns;
}

static int64_t period_of(const struct file_output *f, int64_t wall_ns)
{
	return f->options.rotate_interval_ns ? wall_ns / (int64_t)f->options.rotate_interval_ns : 0;
}

/* ---- which file ---- */

static bool is_elsewhere(struct file_output *f, int64_t moment)
{
	if (!f->options.template->varies)
		return false;
	if (moment / SECOND_NS != f->named_second) {
		f->named_second = moment / SECOND_NS;
		if (path_template_format(f->options.template, moment, f->next_path,
					 sizeof f->next_path) < 0)
			return true; /* opening it will say so */
	}
	return strcmp(f->next_path, f->file.path) != 0;
}

/* True if a new interval has begun for a file that has something in it. */
static bool is_outdated(struct file_output *f, int64_t moment)
{
	if (f->options.rotate_interval_ns == 0 || f->queue.stream ||
	    period_of(f, moment) <= f->period)
		return false;
	if (length(f) > 0 || !is_empty(f))
		return true;
	f->period = period_of(f, moment);
	return false;
}

/* True if the current batch belongs into the file that is open; if not, sees that it is changed. */
static bool is_right_file(struct file_output *f)
{
	if (f->cursor > 0)
		return true;
	int64_t moment = moment_of(f, f->current->wall_ns);
	if (is_elsewhere(f, moment)) {
		f->change = CHANGE_CLOSE;
		return false;
	}
	if (is_outdated(f, moment)) {
		f->change = CHANGE_ROTATE;
		return false;
	}
	f->moment_ns = moment;
	return true;
}

/* ---- records ---- */

/* How many records of the current batch this file may still take. */
static uint32_t records_within_size(struct file_output *f)
{
	const struct batch *b = f->current;
	uint64_t size = f->options.rotate_size;
	if (size == 0 || f->queue.stream)
		return b->count - f->cursor;
	uint64_t now = length(f), bytes;
	uint32_t n = pieces_fit(b, f->cursor, f->options.delimiter.length,
				now < size ? size - now : 0, &bytes);
	return n == 0 && now == 0 && b->count > 0 ? 1 : n;
}

/* True if records went from the current batch into writes. */
static bool feed_plain(struct file_output *f)
{
	uint32_t count = f->current->count;
	uint32_t most = records_within_size(f);
	if (most == 0 && count > 0) {
		f->change = CHANGE_ROTATE;
		return false;
	}
	uint32_t n = gather_put(&f->gather, f->current, f->cursor, f->cursor + most);
	f->cursor += n;
	if (f->cursor == count)
		gather_batch_end(&f->gather, &f->current);
	return n > 0 || count == 0;
}

static bool feed_zstd(struct file_output *f)
{
	struct batch *b = f->current;
	if (b->count == 0) {
		zstd_frames_put_empty(&f->frames, &f->current, &f->stored);
		return true;
	}
	uint64_t room = zstd_frames_room(&f->frames), bytes;
	if (room == 0)
		return false;
	uint32_t n = pieces_fit(b, f->cursor, f->options.delimiter.length, room, &bytes);
	if (f->cursor + n < b->count && !zstd_frames_at_start(&f->frames)) {
		zstd_frames_end(&f->frames); /* a new frame has more room */
		return true;
	}
	if (n == 0) {
		n = 1;
		bytes = b->records[f->cursor].length + f->options.delimiter.length;
	}
	if (!zstd_frames_is_unflushed(&f->frames))
		f->unflushed_ns = f->put_ns;
	zstd_frames_put(&f->frames, &f->current, f->cursor, f->cursor + n, bytes);
	f->cursor += n;
	return true;
}

static int feed(struct file_output *f)
{
	int more = STEP_WAIT;
	if (f->current)
		f->put_ns = env_now_ns(f->env);
	while (f->current && is_open(f) && f->change == CHANGE_NONE && is_right_file(f)) {
		if (!(f->options.zstd ? feed_zstd(f) : feed_plain(f)))
			break;
		more = STEP_MORE;
	}
	return more;
}

void file_output_put(struct file_output *f, struct batch **b)
{
	assert(!f->current);
	f->current = *b;
	f->cursor = 0;
	*b = NULL;
	feed(f);
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
	if (env_now_ns(f->env) >= when)
		zstd_frames_flush(&f->frames);
	else
		env_wake_at(f->env, when);
}

/* Lets go of what is held back for larger writes, as far as it should be. */
static void hand_over(struct file_output *f)
{
	bool all = f->feed == FEED_ENDED || f->change != CHANGE_NONE;
	if (f->options.zstd && all)
		zstd_frames_end(&f->frames);
	else if (f->options.zstd && f->feed == FEED_DRY)
		flush_in_time(f);
	else if (!f->options.zstd && all)
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
	f->put_ns = env_now_ns(f->env);
	int64_t now = env_wall_ns(f->env);
	if (now < f->moment_ns)
		now = f->moment_ns;
	f->period = period_of(f, file->length > 0 ? file->modified_ns : now);
}

static void close_file(struct file_output *f, bool rename)
{
	write_queue_unbind(&f->queue);
	output_file_close(&f->file, rename);
}

/* Opens the file when there is something for it, or the first time just to see that it can be written. */
static int open_file(struct file_output *f)
{
	bool first = !f->opened && !f->options.template->varies;
	if (!f->current && is_empty(f) && !first)
		return STEP_WAIT;
	if (f->current && is_empty(f))
		f->moment_ns = moment_of(f, f->current->wall_ns);
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
	if (f->file.state == OUTPUT_READY && !is_open(f)) {
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
	if (!is_open(f) || f->queue.stream || f->change != CHANGE_NONE)
		return;
	uint64_t now = env_now_ns(f->env);
	uint64_t interval = f->options.rotate_interval_ns, idle = f->options.rotate_idle_ns;
	if (interval > 0 && (length(f) > 0 || !is_empty(f))) {
		int64_t wall = env_wall_ns(f->env);
		if (is_outdated(f, wall))
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

static int change_file(struct file_output *f)
{
	if (!is_open(f))
		return STEP_WAIT;
	watch_clock(f);
	bool rename = f->change == CHANGE_ROTATE && f->queue.end > 0;
	if (f->change == CHANGE_REOPEN) {
		if (!take_back(f))
			return STEP_WAIT;
	} else if (f->options.zstd && f->frames.wants_file) {
		if (!zstd_frames_is_between(&f->frames))
			return STEP_WAIT;
		f->frames.wants_file = false;
		close_file(f, true); /* the change that may be pending is still to come */
		return STEP_MORE;
	} else if (f->change == CHANGE_NONE || !is_empty(f)) {
		return STEP_WAIT;
	}
	f->change = CHANGE_NONE;
	close_file(f, rename);
	return STEP_MORE;
}

/* ---- all of it ---- */

/* Something failed and was said: closes the file, then returns the error. */
static int give_up(struct file_output *f)
{
	if (write_queue_is_busy(&f->queue))
		return STEP_WAIT;
	if (is_open(f))
		close_file(f, false);
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

int file_output_step(struct file_output *f, enum feed expected)
{
	static int (*const parts[])(struct file_output *) = {step_file, feed, hand_over_and_write,
							     change_file};
	f->feed = expected;
	if (f->failed)
		return give_up(f);
	int more = STEP_WAIT;
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
	if (is_open(f) && f->options.zstd && !f->queue.stream && f->queue.end == 0) {
		zstd_frames_put_nothing(&f->frames);
	} else if (is_open(f)) {
		f->closing = true;
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
	if (r < 0 || f->failed || f->current || !is_empty(f) || f->change != CHANGE_NONE)
		return r;
	int closing = close_for_good(f);
	return closing == STEP_WAIT ? r : closing;
}
