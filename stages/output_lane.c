#include "stages/file_output.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FLUSH_DRY_NS 50000000u        /* compressed: input has been dry for that long */
#define FLUSH_AGE_NS 1000000000u      /* or comes in drops, and the first is that old */
#define FLUSH_AGE_CUT_NS 10000000000u /* the same where cuts flush */

enum {
	FRAME_INPUT_MIN = 4096,
	UNFLUSHED_MAX = 128, /* batches: whoever gave them may not have many more */
	BLOCK_OF_MANY = 16 * 1024,
};

static const struct zstd_size *zstd_size(const struct file_output_options *o)
{
	return o->lanes > 1 ? &zstd_size_of_many : &zstd_size_of_one;
}

static size_t gather_block(const struct file_output_options *o)
{
	return o->lanes > 1 ? BLOCK_OF_MANY : GATHER_BLOCK;
}

size_t output_lane_footprint(const struct file_output_options *o)
{
	return sizeof(struct output_lane) +
	       (o->zstd ? zstd_frames_footprint(o->level, o->workers, zstd_size(o))
			: gather_footprint(gather_block(o)));
}

/* ---- beginning and ending ---- */

/* Frames no larger than a file may become; compressed they are smaller. */
static uint64_t frame_input(uint64_t rotate_size, const struct zstd_size *size)
{
	if (rotate_size == 0 || rotate_size >= size->input)
		return size->input;
	return rotate_size > FRAME_INPUT_MIN ? rotate_size : FRAME_INPUT_MIN;
}

/* Without epochs there is no cut that would have to wait. */
static uint64_t back_bytes(const struct file_output *f)
{
	uint64_t given = f->env->io->back_bytes;
	if (!f->options.memory.state_dir)
		return 0;
	return given ? given : WRITE_BACK_BYTES;
}

static void init_file(struct output_lane *l)
{
	struct file_output *f = l->output;
	output_file_init(&l->file, f->env, f->counters, &f->space, f->options.template, l->zstd);
	l->file.known = &f->ends;
	if (!f->epochs.on)
		return;
	l->file.journal = &f->epochs.journal;
	l->file.settling = &f->epochs.settling;
}

static int init_frames(struct output_lane *l)
{
	struct file_output *f = l->output;
	struct zstd_frames_options frames = {
	    .level = f->options.level,
	    .workers = f->options.workers,
	    .size = zstd_size(&f->options),
	    .frame_input = frame_input(f->options.rotate_size, zstd_size(&f->options)),
	    .length_max = f->options.rotate_size,
	    .delimiter = f->options.delimiter,
	    .patient = f->epochs.on,
	};
	return zstd_frames_init(&l->frames, &frames, f->env, &l->queue);
}

int output_lane_init(struct output_lane *l, struct file_output *f, size_t number)
{
	l->output = f;
	l->number = number;
	l->zstd = f->options.zstd;
	write_queue_init(&l->queue, f->env, &f->space);
	l->queue.back_bytes = back_bytes(f);
	init_file(l);
	output_watch_init(&l->watch, f->env);
	return l->zstd ? init_frames(l)
		       : gather_init(&l->gather, &l->queue, &f->options.delimiter,
				     gather_block(&f->options));
}

void output_lane_let_go(struct output_lane *l)
{
	if (l->zstd)
		zstd_frames_release(&l->frames);
	else
		gather_release(&l->gather);
}

void output_lane_release(struct output_lane *l)
{
	output_file_release(&l->file);
	output_lane_let_go(l);
}

/* ---- how it is ---- */

bool output_lane_is_empty(const struct output_lane *l)
{
	return l->zstd ? zstd_frames_is_empty(&l->frames) : gather_is_empty(&l->gather);
}

bool output_lane_is_settled(const struct output_lane *l)
{
	return l->zstd ? zstd_frames_is_flushed(&l->frames) : gather_is_empty(&l->gather);
}

uint64_t output_lane_length(const struct output_lane *l)
{
	return l->queue.end + (l->zstd ? 0 : gather_open_length(&l->gather));
}

bool output_lane_is_steady(const struct output_lane *l)
{
	return output_lane_is_open(l) || l->file.state == OUTPUT_CLOSED ||
	       output_file_awaits_reader(&l->file);
}

bool output_lane_is_free(const struct output_lane *l)
{
	return l->file.state == OUTPUT_CLOSED && l->change == CHANGE_NONE &&
	       output_lane_is_empty(l);
}

static int64_t period_of(const struct output_lane *l, int64_t wall_ns)
{
	uint64_t interval = l->output->options.rotate_interval_ns;
	return interval ? wall_ns / (int64_t)interval : 0;
}

bool output_lane_is_outdated(struct output_lane *l, int64_t moment)
{
	if (l->output->options.rotate_interval_ns == 0 || l->queue.stream ||
	    period_of(l, moment) <= l->period)
		return false;
	if (output_lane_length(l) > 0 || !output_lane_is_empty(l))
		return true;
	l->period = period_of(l, moment);
	return false;
}

/* ---- writing ---- */

static int take_stored(struct output_lane *l)
{
	struct file_output *f = l->output;
	int more = STEP_WAIT;
	if (l->zstd)
		more = zstd_frames_step(&l->frames, &l->stored);
	else if (gather_retire(&l->gather, &l->stored))
		more = STEP_MORE;
	if (l->stored.batches > 0 || l->stored.bytes > 0)
		batch_tally_stored(&f->tally, &l->parts,
				   stored_count(&l->stored, f->counters, env_now_ns(f->env)));
	if (more < 0)
		env_say(f->env, SAY_ERROR, "compression failed", "path=%s error=%s",
			output_file_shown(&l->file), strerror(-more));
	return more;
}

/* Compressed data is held back a little while input comes, for the ratio's sake. */
static void flush_in_time(struct output_lane *l)
{
	struct file_output *f = l->output;
	if (!zstd_frames_is_unflushed(&l->frames))
		return;
	uint64_t dry = l->put_ns + FLUSH_DRY_NS, old = l->unflushed_ns + FLUSH_AGE_NS;
	uint64_t when = dry < old ? dry : old;
	if (f->epochs.on)
		when =
		    l->unflushed_ns + (l->frames.unflushed < UNFLUSHED_MAX ? FLUSH_AGE_CUT_NS : 0);
	if (env_now_ns(f->env) >= when)
		zstd_frames_flush(&l->frames);
	else
		env_wake_at(f->env, when);
}

static void hand_over_zstd(struct output_lane *l, bool all, bool now)
{
	enum feed feed = l->output->feed;
	l->frames.dry = feed == FEED_DRY;
	if (all)
		zstd_frames_end(&l->frames);
	else if (now)
		zstd_frames_flush(&l->frames);
	else if (feed == FEED_DRY)
		flush_in_time(l);
}

/* While there is more, other files may get it all. */
static void hand_over_plain(struct output_lane *l, bool now)
{
	struct file_output *f = l->output;
	bool waits = f->options.lanes > 1 && gather_open_length(&l->gather) > 0;
	if (now || (waits && env_now_ns(f->env) >= l->unflushed_ns + FLUSH_AGE_NS))
		gather_submit(&l->gather);
	else if (f->feed == FEED_DRY)
		gather_submit_lazily(&l->gather);
}

/* Lets go of what is held back for larger writes, as far as it should be. */
static void hand_over(struct output_lane *l)
{
	struct file_output *f = l->output;
	bool all = f->feed == FEED_ENDED || l->change != CHANGE_NONE;
	bool now = f->cutting || !batch_tally_has_room(&f->tally);
	if (l->zstd)
		hand_over_zstd(l, all, now);
	else
		hand_over_plain(l, all || now);
}

static int write_out(struct output_lane *l)
{
	struct file_output *f = l->output;
	l->queue.hurried = f->feed == FEED_ENDED;
	int r = write_queue_step(&l->queue);
	if (r == -EPIPE && l->queue.stream && l->change != CHANGE_REOPEN) {
		env_say(f->env, SAY_WARN, "reader went away, waiting for another", "path=%s",
			output_file_shown(&l->file));
		l->change = CHANGE_REOPEN;
	}
	if (r == 0 || (r == -EPIPE && l->queue.stream))
		return STEP_WAIT;
	counter_add(&f->counters->errors, 1);
	env_say(f->env, SAY_ERROR, "write failed", "path=%s error=%s", output_file_shown(&l->file),
		strerror(-r));
	return r;
}

int output_lane_write(struct output_lane *l)
{
	hand_over(l);
	int stored = take_stored(l);
	if (stored < 0)
		return stored;
	int written = write_out(l);
	return written < 0 ? written : stored | written;
}

/* ---- opening and closing ---- */

static void bind(struct output_lane *l)
{
	struct file_output *f = l->output;
	struct output_file *file = &l->file;
	if (file->fifo)
		write_queue_bind_fifo(&l->queue, file->fd, output_file_shown(file));
	else
		write_queue_bind(&l->queue, file->fd, file->stream, file->length,
				 output_file_shown(file));
	f->opened = true;
	l->looked = false;
	l->put_ns = env_now_ns(f->env);
	l->watch.next_ns = l->put_ns + OUTPUT_WATCH_NS;
	int64_t now = env_wall_ns(f->env);
	if (now < f->moment_ns)
		now = f->moment_ns;
	l->period = period_of(l, file->length > 0 ? file->modified_ns : now);
}

/* All that was put is written, so that it ends with a whole frame if with any. */
static void close_file(struct output_lane *l, bool rename)
{
	struct file_output *f = l->output;
	const struct io_status *status = &l->file.status;
	if (!l->queue.stream)
		output_ends_note(&f->ends, (struct output_end){.inode = status->inode,
							       .birth_ns = status->birth_ns,
							       .length = l->queue.end});
	write_queue_unbind(&l->queue);
	f->door = l;
	output_file_close(&l->file, rename);
	output_keep_note(&f->keep);
	if (!rename && !f->options.groups)
		l->reopen_after = f->epochs.settling.taken;
}

/* Its path, when there is something for it, or the first time just to see that it can be written. */
static int open_file(struct output_lane *l)
{
	struct file_output *f = l->output;
	if (!file_output_wants(f, l) && output_lane_is_empty(l))
		return STEP_WAIT;
	if (l->left)
		l->reopen_after = f->epochs.settling.taken;
	l->left = false;
	if (f->epochs.settling.settled < l->reopen_after ||
	    output_settling_holds(&f->epochs.settling, l->path))
		return STEP_WAIT;
	if (!file_output_is_door_free(f) || output_keep_is_deleting(&f->keep))
		return STEP_WAIT;
	f->door = l;
	output_file_open(&l->file, l->path);
	return STEP_MORE;
}

int output_lane_step_file(struct output_lane *l)
{
	int r = output_file_step(&l->file);
	if (r < 0)
		return r;
	if (l->file.state == OUTPUT_READY && !output_lane_is_open(l)) {
		bind(l);
		return STEP_MORE;
	}
	if (l->file.state == OUTPUT_CLOSED && l->file.failed)
		return l->file.failed;
	if (l->file.state == OUTPUT_CLOSED && !l->output->closing)
		return r | open_file(l);
	return r;
}

/* Sees to the ends that come with time rather than with a record. */
static void watch_clock(struct output_lane *l)
{
	struct file_output *f = l->output;
	if (l->queue.stream || l->change != CHANGE_NONE)
		return;
	uint64_t now = env_now_ns(f->env);
	uint64_t interval = f->options.rotate_interval_ns, idle = f->options.rotate_idle_ns;
	if (interval > 0 && (output_lane_length(l) > 0 || !output_lane_is_empty(l))) {
		int64_t wall = env_wall_ns(f->env);
		if (output_lane_is_outdated(l, wall))
			l->change = CHANGE_ROTATE;
		else
			env_wake_at(f->env, now + interval - (uint64_t)wall % interval);
	}
	if (idle > 0 && now >= l->put_ns + idle)
		l->change = CHANGE_CLOSE;
	else if (idle > 0)
		env_wake_at(f->env, l->put_ns + idle);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t output_lane_rests_until(const struct output_lane *l)
{
	const struct file_output *f = l->output;
	uint64_t interval = f->options.rotate_interval_ns, idle = f->options.rotate_idle_ns;
	if (file_output_wants(f, l) || l->change != CHANGE_NONE || !output_lane_is_empty(l))
		return 0;
	if (l->file.state == OUTPUT_CLOSED)
		return l->file.failed ? 0 : UINT64_MAX;
	if (!output_lane_is_open(l) || l->queue.stream || l->watch.looking ||
	    write_queue_is_busy(&l->queue))
		return 0;
	uint64_t until = l->watch.next_ns;
	if (idle > 0)
		until = sooner(until, l->put_ns + idle);
	if (interval > 0)
		until = sooner(until, env_now_ns(f->env) + interval -
					  (uint64_t)env_wall_ns(f->env) % interval);
	return until;
}

/* The next reader begins where a record does, or a zstd frame. False: what there is to give back is not known yet. */
static bool take_back(struct output_lane *l)
{
	if (write_queue_is_busy(&l->queue) ||
	    !write_queue_recall(&l->queue, l->zstd ? NULL : &l->output->options.delimiter))
		return false;
	if (l->zstd)
		zstd_frames_restart(&l->frames);
	return true;
}

/* True while its file must stay open. */
static bool holds_file(const struct output_lane *l)
{
	const struct file_output *f = l->output;
	if (l->watch.looking || l->queue.bringing.busy || !file_output_is_door_free(f))
		return true;
	return f->epochs.on && (output_epochs_uses_file(&f->epochs, l->number) ||
				!output_settling_has_room(&f->epochs.settling));
}

/* ---- what others do to it ---- */

/* Bytes written behind the end of a file that was cut would leave a hole: no records are among them. */
static void leave_file(struct output_lane *l)
{
	uint64_t length = l->was_cut ? l->left_length : l->queue.end;
	bool cuts = l->was_cut && l->queue.end > l->watch.end;
	write_queue_unbind(&l->queue);
	l->output->door = l;
	output_file_leave(&l->file, length, cuts);
	l->left = true;
}

static void find(struct output_lane *l, enum output_finding found)
{
	struct env *env = l->output->env;
	l->was_cut = found == OUTPUT_CUT;
	l->left_length = l->watch.status.size;
	l->change = CHANGE_LEAVE;
	if (l->was_cut)
		env_say(env, SAY_WARN,
			"output was cut by somebody else, going on behind what is left",
			"path=%s was=%" PRIu64 " is=%" PRIu64, output_file_shown(&l->file),
			l->watch.end, l->left_length);
	else
		env_say(env, SAY_WARN, "output was moved away or deleted, going on in a new file",
			"path=%s", output_file_shown(&l->file));
}

/* What has been written since it was looked at must not be lost by cutting it. */
static bool is_quiet(const struct output_lane *l)
{
	return output_lane_is_settled(l) && l->queue.end == l->watch.end;
}

/* STEP_WAIT while it is being looked at. */
static int take_finding(struct output_lane *l)
{
	if (!l->watch.looking)
		return STEP_DONE;
	enum output_finding found = output_watch_finding(&l->watch, &l->file);
	if (found == OUTPUT_LOOKING)
		return STEP_WAIT;
	bool acts = found == OUTPUT_MOVED || (found == OUTPUT_CUT && is_quiet(l));
	if (acts && l->change == CHANGE_NONE)
		find(l, found);
	return STEP_MORE;
}

/* Now and then, also where there are no cuts. */
int output_lane_watch(struct output_lane *l)
{
	struct env *env = l->output->env;
	if (!output_lane_is_open(l) || l->queue.stream)
		return STEP_WAIT;
	if (l->watch.looking)
		return take_finding(l);
	if (env_now_ns(env) < l->watch.next_ns) {
		env_wake_at(env, l->watch.next_ns);
		return STEP_WAIT;
	}
	if (l->change == CHANGE_NONE)
		output_watch_begin(&l->watch, &l->file,
				   output_lane_is_settled(l) ? l->queue.end : 0);
	return STEP_WAIT;
}

int output_lane_look(struct output_lane *l)
{
	if (!output_lane_is_open(l) || l->queue.stream)
		return STEP_DONE;
	if (l->watch.looking)
		return STEP_WAIT;
	if (l->looked || l->change != CHANGE_NONE)
		return l->looked && l->change == CHANGE_NONE ? STEP_DONE : STEP_WAIT;
	l->looked = true;
	output_watch_begin(&l->watch, &l->file, l->queue.end);
	return STEP_WAIT;
}

/* ---- changing files ---- */

int output_lane_change(struct output_lane *l)
{
	if (!output_lane_is_open(l))
		return STEP_WAIT;
	watch_clock(l);
	bool is_to_change = l->change != CHANGE_NONE || (l->zstd && l->frames.wants_file);
	if (!is_to_change || holds_file(l))
		return STEP_WAIT;
	bool rename = l->change == CHANGE_ROTATE && l->queue.end > 0;
	bool leaves = l->change == CHANGE_LEAVE;
	if (l->change == CHANGE_REOPEN) {
		if (!take_back(l))
			return STEP_WAIT;
	} else if (l->zstd && l->frames.wants_file) {
		if (!zstd_frames_is_between(&l->frames))
			return STEP_WAIT;
		l->frames.wants_file = false;
		close_file(l, true); /* the change that may be pending is still to come */
		return STEP_MORE;
	} else if (l->change == CHANGE_NONE || !output_lane_is_empty(l)) {
		return STEP_WAIT;
	}
	l->change = CHANGE_NONE;
	if (leaves)
		leave_file(l);
	else
		close_file(l, rename);
	return STEP_MORE;
}

/* An empty file is no zstd file: it gets a frame without records. */
int output_lane_end(struct output_lane *l)
{
	struct file_output *f = l->output;
	if (output_lane_is_open(l) && l->zstd && !l->queue.stream && l->queue.end == 0) {
		zstd_frames_put_nothing(&l->frames);
	} else if (output_lane_is_open(l) && holds_file(l)) {
		return STEP_WAIT;
	} else if (output_lane_is_open(l)) {
		f->closing = true;
		if (!l->queue.stream)
			output_epochs_note_end(&f->epochs, l->number, &l->file, l->queue.end);
		close_file(l, false);
	} else if (output_file_awaits_reader(&l->file)) {
		f->closing = true;
		output_file_abandon(&l->file);
	} else {
		return l->file.state == OUTPUT_CLOSED ? STEP_DONE : STEP_WAIT;
	}
	return STEP_MORE;
}

int output_lane_give_up(struct output_lane *l)
{
	l->file.settling = NULL;
	if (output_lane_is_open(l))
		write_queue_unbind(&l->queue);
	if (l->file.state == OUTPUT_READY)
		output_file_close(&l->file, false);
	int r = output_file_step(&l->file);
	return l->file.state == OUTPUT_CLOSED || r < 0 ? STEP_DONE : r;
}
