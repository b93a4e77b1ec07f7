#include "stages/file_feeding.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t file_output_footprint(const struct file_output_options *o)
{
	return sizeof(struct file_output) + output_epochs_footprint(o->lanes) +
	       o->lanes * (output_lane_footprint(o) + sizeof(uint64_t));
}

/* ---- beginning and ending ---- */

/* Not one that is open; which those are will be known when they have been opened. */
static enum keep_answer may_delete(void *owner, uint64_t inode)
{
	const struct file_output *f = owner;
	for (size_t i = 0; i < f->lanes_used; i++) {
		const struct output_file *file = &f->lanes[i].file;
		bool is_open = file->state >= OUTPUT_READY;
		if (!is_open && file->state != OUTPUT_CLOSED && !output_file_awaits_reader(file))
			return KEEP_ASK_AGAIN;
		if (is_open && file->status.inode == inode)
			return KEEP_IT;
	}
	return output_epochs_needs(&f->epochs, inode) ? KEEP_IT : KEEP_DELETE_IT;
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

static int init_lanes(struct file_output *f)
{
	int r = hash_index_init(&f->by_path);
	if (r < 0)
		return r;
	f->lanes = calloc(f->options.lanes, sizeof *f->lanes);
	f->rests = calloc(f->options.lanes, sizeof *f->rests);
	if (!f->lanes || !f->rests)
		return -ENOMEM;
	while (r == 0 && f->lane_count < f->options.lanes) {
		r = output_lane_init(&f->lanes[f->lane_count], f, f->lane_count);
		f->lane_count++;
	}
	return r;
}

int file_output_init(struct file_output *f, const struct file_output_options *options,
		     struct env *env, struct stage_counters *counters)
{
	assert(options->lanes == 1 || (options->groups && options->lanes > 1));
	memset(f, 0, sizeof *f);
	f->env = env;
	f->counters = counters;
	f->options = *options;
	f->named_second = INT64_MIN;
	space_wait_init(&f->space, env, counters);
	f->space.secret = options->template->secret;
	int r = output_epochs_init(&f->epochs, env, counters, &f->space, &options->memory,
				   options->lanes);
	if (r < 0)
		return r;
	init_keep(f);
	return init_lanes(f);
}

static void release_batches(struct file_output *f)
{
	for (size_t i = 0; i < f->lane_count; i++)
		output_lane_let_go(&f->lanes[i]);
	batch_free(&f->current);
}

void file_output_release(struct file_output *f)
{
	for (size_t i = 0; i < f->lane_count; i++)
		output_lane_release(&f->lanes[i]);
	output_keep_release(&f->keep);
	output_epochs_release(&f->epochs);
	hash_index_release(&f->by_path);
	free(f->lanes);
	free(f->rests);
	f->lanes = NULL;
	f->rests = NULL;
	f->lane_count = f->lanes_used = 0;
	batch_free(&f->current);
}

int file_output_let_go(struct file_output *f)
{
	for (size_t i = 0; i < f->lanes_used; i++) {
		const struct output_lane *l = &f->lanes[i];
		if (write_queue_is_busy(&l->queue) ||
		    (l->zstd && zstd_frames_is_working(&l->frames)))
			return STEP_WAIT;
	}
	release_batches(f);
	return STEP_DONE;
}

/* One without records is stored when those before it are. */
void file_output_put(struct file_output *f, struct batch **b)
{
	assert(file_output_has_room(f));
	f->current = *b;
	*b = NULL;
	f->cursor = 0;
	f->target = NULL;
	batch_tally_begin(&f->tally);
	if (f->current->count == 0) {
		batch_tally_end(&f->tally);
		batch_free(&f->current);
		return;
	}
	if (f->options.groups)
		path_groups_begin(f->options.groups, f->current);
	int r = feeding_feed(f);
	if (r < 0)
		f->failed = r;
}

/* ---- for its lanes ---- */

bool file_output_wants(const struct file_output *f, const struct output_lane *l)
{
	bool first = !f->opened && !f->options.template->varies;
	return first || (f->current && f->target == l);
}

bool file_output_is_door_free(const struct file_output *f)
{
	return !f->door || output_lane_is_open(f->door) || f->door->file.state == OUTPUT_CLOSED;
}

/* ---- all of it ---- */

/* Of those that have, or had, a file, and do not rest: the sum of their steps, or what the first to fail returned. */
static int step_lanes(struct file_output *f, int (*step)(struct output_lane *l))
{
	int more = STEP_WAIT;
	for (size_t i = 0; i < f->lanes_used; i++) {
		int r = f->rests[i] > 0 ? STEP_WAIT : step(&f->lanes[i]);
		if (r < 0)
			return r;
		more |= r;
	}
	return more;
}

/* Of all, steps that come to an end: STEP_DONE when all have. */
static int end_lanes(struct file_output *f, int (*step)(struct output_lane *l))
{
	int more = STEP_WAIT;
	bool all = true;
	for (size_t i = 0; i < f->lanes_used; i++) {
		int r = step(&f->lanes[i]);
		f->rests[i] = 0;
		if (r < 0)
			return r;
		all &= r == STEP_DONE;
		more |= r == STEP_MORE;
	}
	return all ? STEP_DONE : more;
}

static bool is_busy(const struct file_output *f)
{
	for (size_t i = 0; i < f->lanes_used; i++)
		if (write_queue_is_busy(&f->lanes[i].queue) || f->lanes[i].watch.op.busy)
			return true;
	return output_epochs_is_busy(&f->epochs) || f->keep.op.busy;
}

/* Something failed and was said: closes the files, then returns the error. */
static int give_up(struct file_output *f)
{
	int r = is_busy(f) ? STEP_WAIT : end_lanes(f, output_lane_give_up);
	return r == STEP_DONE ? f->failed : r;
}

static int step_files(struct file_output *f)
{
	bool first = f->lanes_used == 0 && !f->options.template->varies;
	int r = first ? feeding_name_first(f) : 0;
	return r < 0 ? r : step_lanes(f, output_lane_step_file);
}

static int step_writing(struct file_output *f)
{
	return step_lanes(f, output_lane_write);
}

static int step_watching(struct file_output *f)
{
	return step_lanes(f, output_lane_watch);
}

static int step_changing(struct file_output *f)
{
	return step_lanes(f, output_lane_change);
}

static int step_epochs(struct file_output *f)
{
	return output_epochs_step(&f->epochs);
}

static int step_keep(struct file_output *f)
{
	return output_keep_step(&f->keep);
}

/* Where many files are open, few of them have something to do. */
static void wake_lanes(struct file_output *f)
{
	uint64_t now = env_now_ns(f->env);
	for (size_t i = 0; i < f->lanes_used; i++)
		if (f->rests[i] <= now)
			f->rests[i] = 0;
}

static void rest_lanes(struct file_output *f)
{
	uint64_t next = UINT64_MAX;
	for (size_t i = 0; f->options.lanes > 1 && i < f->lanes_used; i++) {
		if (f->rests[i] == 0)
			f->rests[i] = output_lane_rests_until(&f->lanes[i]);
		if (f->rests[i] > 0 && f->rests[i] < next)
			next = f->rests[i];
	}
	if (next < UINT64_MAX)
		env_wake_at(f->env, next);
}

int file_output_step(struct file_output *f, enum feed expected)
{
	static int (*const parts[])(struct file_output *) = {
	    step_files,    feeding_feed, step_writing, step_watching,
	    step_changing, step_epochs,  step_keep};
	f->feed = expected;
	if (f->failed)
		return give_up(f);
	int more = output_epochs_recover(&f->epochs, &f->ends);
	if (more != STEP_DONE) {
		f->failed = more < 0 ? more : 0;
		return more < 0 ? STEP_MORE : more;
	}
	more = STEP_WAIT;
	wake_lanes(f);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		int r = parts[i](f);
		if (r < 0) {
			f->failed = r;
			return STEP_MORE;
		}
		more |= r;
	}
	rest_lanes(f);
	return more;
}

size_t file_output_take_done(struct file_output *f)
{
	return batch_tally_take(&f->tally);
}

/* True if all that was put is written, and no file is about to be finished. */
static bool is_written(const struct file_output *f)
{
	bool all = !f->current && output_epochs_is_recovered(&f->epochs) && !f->failed;
	for (size_t i = 0; i < f->lanes_used && all; i++)
		all = f->lanes[i].change == CHANGE_NONE && output_lane_is_empty(&f->lanes[i]);
	return all;
}

int file_output_finish(struct file_output *f)
{
	int r = file_output_step(f, FEED_ENDED);
	if (r < 0 || !is_written(f) || output_keep_is_busy(&f->keep))
		return r;
	int looked = f->closing ? STEP_DONE : end_lanes(f, output_lane_look);
	if (looked != STEP_DONE)
		return r | looked;
	int closing = end_lanes(f, output_lane_end);
	if (closing == STEP_DONE && !f->ended) {
		f->ended = true;
		output_epochs_end(&f->epochs);
	}
	return closing == STEP_WAIT ? r : closing;
}

/* ---- epochs ---- */

/* True if all that was put is written, and neither a file nor the epoch before is between two states. */
static bool is_cut(const struct file_output *f)
{
	bool all = !f->current && output_epochs_is_recovered(&f->epochs) && !f->failed;
	for (size_t i = 0; i < f->lanes_used && all; i++) {
		const struct output_lane *l = &f->lanes[i];
		all = output_lane_is_steady(l) && l->change == CHANGE_NONE &&
		      output_lane_is_settled(l);
	}
	return all;
}

static void note_lanes(struct file_output *f)
{
	for (size_t i = 0; i < f->lanes_used; i++) {
		struct output_lane *l = &f->lanes[i];
		l->looked = false;
		if (output_lane_is_open(l) && !l->queue.stream)
			output_epochs_note(&f->epochs, i, &l->file, l->queue.end,
					   l->zstd ? zstd_frames_whole(&l->frames) : l->queue.end);
	}
}

int file_output_cut(struct file_output *f, uint64_t epoch)
{
	f->cutting = true;
	int r = file_output_step(f, FEED_DRY);
	if (r < 0 || !is_cut(f))
		return r;
	int looked = end_lanes(f, output_lane_look);
	if (looked != STEP_DONE)
		return r | looked;
	f->cutting = false;
	note_lanes(f);
	output_epochs_cut(&f->epochs, epoch);
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
