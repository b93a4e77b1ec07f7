#include "stages/file_feeding.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define SECOND_NS 1000000000
#define STEADY_NS (60 * (int64_t)SECOND_NS) /* a clock set back by less changes no file */

/* ---- which path ---- */

/* The moment that names the file for what is put at wall_ns. */
static int64_t steady_moment(const struct file_output *f, int64_t wall_ns)
{
	bool set_back = wall_ns < f->moment_ns && f->moment_ns - wall_ns < STEADY_NS;
	return set_back ? f->moment_ns : wall_ns;
}

static int refuse_path(struct file_output *f)
{
	env_say(f->env, SAY_ERROR, "output path too long", "path=%s",
		path_template_shown(f->options.template, f->options.template->text));
	return -ENAMETOOLONG;
}

/* Without groups, to next_path. */
static int name_by_time(struct file_output *f)
{
	bool varies = f->options.template->varies;
	if (varies ? f->moment_ns / SECOND_NS == f->named_second : f->next_path[0] != '\0')
		return 0;
	if (path_template_format(f->options.template, f->moment_ns, f->next_path,
				 sizeof f->next_path) < 0)
		return refuse_path(f);
	f->named_second = f->moment_ns / SECOND_NS;
	return 0;
}

/* ---- which lane ---- */

static struct output_lane *find_lane(const struct file_output *f, uint64_t hash, const char *path)
{
	struct hash_node *n = hash_index_first(&f->by_path, hash);
	while (n && strcmp(((struct output_lane *)n)->path, path) != 0)
		n = hash_index_next(n);
	return (struct output_lane *)n;
}

static bool is_open(const void *output, const struct path_group *group)
{
	const struct output_lane *l = find_lane(output, group->hash, group->path);
	return l && output_lane_is_open(l);
}

static struct output_lane *find_free_lane(struct file_output *f)
{
	assert(f->lanes);
	for (size_t i = 0; i < f->lanes_used; i++)
		if (output_lane_is_free(&f->lanes[i]))
			return &f->lanes[i];
	return f->lanes_used < f->lane_count ? &f->lanes[f->lanes_used++] : NULL;
}

/* One that is being closed, or is not open, will be free, or needs the door first. */
static bool is_any_on_its_way(const struct file_output *f)
{
	for (size_t i = 0; i < f->lanes_used; i++)
		if (f->lanes[i].change != CHANGE_NONE || !output_lane_is_open(&f->lanes[i]))
			return true;
	return false;
}

static void close_oldest(struct file_output *f)
{
	assert(f->lanes);
	struct output_lane *oldest = &f->lanes[0];
	if (is_any_on_its_way(f))
		return;
	for (size_t i = 1; i < f->lanes_used; i++)
		if (f->lanes[i].used < oldest->used)
			oldest = &f->lanes[i];
	oldest->change = CHANGE_CLOSE;
	f->rests[oldest->number] = 0;
}

/* For next_path; NULL: one is to be closed first. */
static struct output_lane *take_lane(struct file_output *f, uint64_t hash)
{
	struct output_lane *l = find_free_lane(f);
	if (!l) {
		close_oldest(f);
		return NULL;
	}
	memccpy(l->path, f->next_path, '\0', sizeof l->path);
	hash_index_remove(&f->by_path, &l->node);
	hash_index_add(&f->by_path, &l->node, hash);
	return l;
}

/* 0, with a target or, if there is none yet, without. */
static int find_target(struct file_output *f)
{
	uint64_t hash = 0;
	f->moment_ns = steady_moment(f, f->current->wall_ns);
	f->group_begin = f->cursor;
	f->group_end = f->current->count;
	if (f->options.groups) {
		const struct path_group *group = path_groups_next(
		    f->options.groups, f->current, f->cursor, f->moment_ns, is_open, f);
		if (!group)
			return refuse_path(f);
		hash = group->hash;
		f->group_end = group->end;
		memccpy(f->next_path, group->path, '\0', sizeof f->next_path);
	} else if (name_by_time(f) < 0) {
		return -ENAMETOOLONG;
	}
	f->target = find_lane(f, hash, f->next_path);
	if (!f->target)
		f->target = take_lane(f, hash);
	if (f->target)
		f->rests[f->target->number] = 0;
	return 0;
}

int feeding_name_first(struct file_output *f)
{
	if (f->moment_ns == 0)
		f->moment_ns = env_wall_ns(f->env);
	int r = name_by_time(f);
	if (r == 0)
		take_lane(f, 0);
	return r;
}

/* ---- records ---- */

/* True if the target can take what is to be put next; if not, sees that its file is changed. */
static bool is_ready(struct file_output *f)
{
	struct output_lane *l = f->target;
	if (!output_lane_is_open(l) || l->change != CHANGE_NONE)
		return false;
	if (f->cursor > f->group_begin || !output_lane_is_outdated(l, f->moment_ns))
		return true;
	l->change = CHANGE_ROTATE;
	return false;
}

/* How many records of the current group this file may still take. */
static uint32_t records_within_size(struct file_output *f)
{
	const struct batch *b = f->current;
	struct output_lane *l = f->target;
	uint64_t size = f->options.rotate_size;
	if (size == 0 || l->queue.stream)
		return f->group_end - f->cursor;
	uint64_t now = output_lane_length(l), bytes;
	uint32_t n = pieces_fit(b, f->cursor, f->group_end, f->options.delimiter.length,
				now < size ? size - now : 0, &bytes);
	return n == 0 && now == 0 ? 1 : n;
}

/* For whoever holds on to a part that ends here. */
static struct batch *share(struct file_output *f)
{
	return batch_share(f->current);
}

static void end_part(struct file_output *f)
{
	batch_tally_put_part(&f->tally, &f->target->parts);
	f->target = NULL;
}

/* True if records went from the current batch into writes. */
static bool feed_plain(struct file_output *f)
{
	struct gather *g = &f->target->gather;
	uint32_t most = records_within_size(f);
	if (most == 0) {
		f->target->change = CHANGE_ROTATE;
		return false;
	}
	if (gather_open_length(g) == 0)
		f->target->unflushed_ns = f->target->put_ns;
	uint32_t n = gather_put(g, f->current, f->cursor, f->cursor + most);
	f->cursor += n;
	if (f->cursor == f->group_end) {
		struct batch *b = share(f);
		gather_batch_end(g, &b);
		end_part(f);
	}
	return n > 0;
}

static bool feed_zstd(struct file_output *f)
{
	struct zstd_frames *z = &f->target->frames;
	struct batch *b = f->current;
	uint64_t room = zstd_frames_room(z), bytes;
	if (room == 0)
		return false;
	uint32_t n =
	    pieces_fit(b, f->cursor, f->group_end, f->options.delimiter.length, room, &bytes);
	if (f->cursor + n < f->group_end && !zstd_frames_at_start(z)) {
		zstd_frames_end(z); /* a new frame has more room */
		return true;
	}
	if (n == 0) {
		n = 1;
		bytes = b->records[f->cursor].length + f->options.delimiter.length;
	}
	if (!zstd_frames_is_unflushed(z))
		f->target->unflushed_ns = f->target->put_ns;
	bool last = f->cursor + n == f->group_end;
	if (last)
		b = share(f);
	zstd_frames_put(z, &b, f->cursor, f->cursor + n, bytes, last);
	f->cursor += n;
	if (last)
		end_part(f);
	return true;
}

static bool feed(struct file_output *f)
{
	struct output_lane *l = f->target;
	l->put_ns = env_now_ns(f->env);
	l->used = ++f->puts;
	return l->zstd ? feed_zstd(f) : feed_plain(f);
}

static void end_batch(struct file_output *f)
{
	batch_tally_end(&f->tally);
	batch_free(&f->current);
}

int feeding_feed(struct file_output *f)
{
	int more = STEP_WAIT;
	while (f->current) {
		int r = f->target ? 0 : find_target(f);
		if (r < 0)
			return r;
		if (!f->target || !is_ready(f) || !feed(f))
			break;
		more = STEP_MORE;
		if (f->cursor == f->current->count)
			end_batch(f);
	}
	return more;
}
