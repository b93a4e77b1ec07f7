#include "stages/file_feeding.h"

#include <string.h>

#define SECOND_NS 1000000000
#define STEADY_NS (60 * (int64_t)SECOND_NS) /* a clock set back by less changes no file */

bool feeding_is_empty(const struct file_output *f)
{
	return f->options.zstd ? zstd_frames_is_empty(&f->frames) : gather_is_empty(&f->gather);
}

bool feeding_is_settled(const struct file_output *f)
{
	return f->options.zstd ? zstd_frames_is_flushed(&f->frames) : gather_is_empty(&f->gather);
}

uint64_t feeding_length(const struct file_output *f)
{
	return f->queue.end + (f->options.zstd ? 0 : gather_open_length(&f->gather));
}

int64_t feeding_moment(const struct file_output *f, int64_t wall_ns)
{
	bool set_back = wall_ns < f->moment_ns && f->moment_ns - wall_ns < STEADY_NS;
	return set_back ? f->moment_ns : wall_ns;
}

int64_t feeding_period(const struct file_output *f, int64_t wall_ns)
{
	return f->options.rotate_interval_ns ? wall_ns / (int64_t)f->options.rotate_interval_ns : 0;
}

/* ---- which file ---- */

const char *feeding_path(struct file_output *f, uint32_t *ret_end)
{
	int64_t moment = feeding_moment(f, f->current->wall_ns);
	const char *path = path_groups_next(f->options.groups, f->current, f->cursor, moment,
					    f->file.path, ret_end);
	if (!path)
		env_say(f->env, SAY_ERROR, "output path too long", "path=%s",
			path_template_shown(f->options.template, f->options.template->text));
	return path;
}

static bool is_group_elsewhere(struct file_output *f)
{
	uint32_t end;
	if (f->current->count == 0)
		return false;
	const char *path = feeding_path(f, &end);
	if (!path || strcmp(path, f->file.path) != 0)
		return true; /* opening it will say so */
	f->group_end = end;
	memccpy(f->next_path, path, '\0', sizeof f->next_path);
	return false;
}

static bool is_elsewhere(struct file_output *f, int64_t moment)
{
	if (f->options.groups)
		return is_group_elsewhere(f);
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

bool feeding_is_outdated(struct file_output *f, int64_t moment)
{
	if (f->options.rotate_interval_ns == 0 || f->queue.stream ||
	    feeding_period(f, moment) <= f->period)
		return false;
	if (feeding_length(f) > 0 || !feeding_is_empty(f))
		return true;
	f->period = feeding_period(f, moment);
	return false;
}

/* True if the current batch belongs into the file that is open; if not, sees that it is changed. */
static bool is_right_file(struct file_output *f)
{
	if (f->options.groups ? f->cursor < f->group_end : f->cursor > 0)
		return true;
	int64_t moment = feeding_moment(f, f->current->wall_ns);
	if (is_elsewhere(f, moment)) {
		f->change = CHANGE_CLOSE;
		return false;
	}
	if (feeding_is_outdated(f, moment)) {
		f->change = CHANGE_ROTATE;
		return false;
	}
	f->moment_ns = moment;
	return true;
}

/* ---- records ---- */

/* Of the current batch, where another file may begin. */
static uint32_t put_end(const struct file_output *f)
{
	return f->options.groups ? f->group_end : f->current->count;
}

/* How many records of the current batch this file may still take. */
static uint32_t records_within_size(struct file_output *f)
{
	const struct batch *b = f->current;
	uint64_t size = f->options.rotate_size;
	if (size == 0 || f->queue.stream)
		return put_end(f) - f->cursor;
	uint64_t now = feeding_length(f), bytes;
	uint32_t n = pieces_fit(b, f->cursor, put_end(f), f->options.delimiter.length,
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
	uint32_t n =
	    pieces_fit(b, f->cursor, put_end(f), f->options.delimiter.length, room, &bytes);
	if (f->cursor + n < put_end(f) && !zstd_frames_at_start(&f->frames)) {
		zstd_frames_end(&f->frames); /* a new frame has more room */
		return true;
	}
	if (n == 0) {
		n = 1;
		bytes = b->records[f->cursor].length + f->options.delimiter.length;
	}
	if (!zstd_frames_is_unflushed(&f->frames))
		f->unflushed_ns = f->put_ns;
	zstd_frames_put(&f->frames, &f->current, f->cursor, f->cursor + n, bytes,
			f->cursor + n == b->count);
	f->cursor += n;
	return true;
}

int feeding_feed(struct file_output *f)
{
	int more = STEP_WAIT;
	if (f->current)
		f->put_ns = env_now_ns(f->env);
	while (f->current && feeding_is_open(f) && f->change == CHANGE_NONE && is_right_file(f)) {
		if (!(f->options.zstd ? feed_zstd(f) : feed_plain(f)))
			break;
		more = STEP_MORE;
	}
	return more;
}
