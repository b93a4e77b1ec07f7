#include "stages/source/file_removal.h"
#include "stages/descriptor.h"
#include "stages/source/file_looking.h"
#include "stages/source/file_notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_NS (250 * UINT64_C(1000000)) /* until one that is being read is asked about again */

void file_removal_init(struct file_removal *r, struct stage *s, struct file_finder *finder,
		       struct file_positions *positions, uint64_t after_ns)
{
	*r = (struct file_removal){.stage = s,
				   .finder = finder,
				   .positions = positions,
				   .after_ns = after_ns,
				   .fd = -1,
				   .above = -1,
				   .seen = -1};
}

static void forget_names(struct file_removal *r)
{
	free(r->path);
	free(r->aside);
	free(r->directory);
	r->path = r->aside = r->directory = NULL;
}

void file_removal_release(struct file_removal *r)
{
	if (!r->stage)
		return;
	assert(!r->op.busy);
	int unseen = -1; /* it was opened, and nobody has looked since */
	if (r->at == REMOVAL_OPEN || r->at == REMOVAL_ABOVE || r->at == REMOVAL_SEE)
		unseen = (int)r->op.result;
	descriptor_close(r->stage->env->io, &unseen);
	descriptor_close(r->stage->env->io, &r->fd);
	descriptor_close(r->stage->env->io, &r->above);
	descriptor_close(r->stage->env->io, &r->seen);
	forget_names(r);
}

void file_removal_note(struct file_removal *r)
{
	r->next_ns = 0;
}

uint64_t file_removal_next_ns(const struct file_removal *r)
{
	return r->after_ns > 0 && r->at == REMOVAL_IDLE ? r->next_ns : UINT64_MAX;
}

bool file_removal_is_idle(const struct file_removal *r, uint64_t within_ns)
{
	return r->after_ns == 0 ||
	       (r->at == REMOVAL_IDLE && r->next_ns > env_now_ns(r->stage->env) + within_ns);
}

static void on_done(struct io_op *op)
{
	(void)op;
}

static int submit(struct file_removal *r, enum file_removal_at at, struct io_op op)
{
	r->at = at;
	r->op = op;
	r->op.done = on_done;
	io_submit(r->stage->env->io, &r->op);
	return STEP_MORE;
}

/* ---- which ---- */

/* Of a line that is too long all has been taken that is there, and yet it may go on. Read once, it has ended. */
static bool is_within_line(const struct file_removal *r, const struct file_position *n)
{
	const struct tracked_file *f = r->stage->once ? NULL : n->file;
	return f && (f->place.framer.skipping || f->place.framer.in_split);
}

/* What was emptied or begun somewhere else than at its first byte stays. */
static bool is_whole(const struct file_removal *r, const struct file_position *n)
{
	return file_position_end(n) > 0 && !is_within_line(r, n) && n->head.length > 0 &&
	       n->place.form != FILE_STREAM && !n->over;
}

static const char *path_of(const struct file_position *n)
{
	return n->file ? n->file->path : n->path;
}

/* Somebody is reading it, or will, or no name leads to it; without `follow` it is read first, and let go. */
static bool is_in_use(const struct file_removal *r, const struct file_position *n)
{
	const struct tracked_file *f = n->file;
	if (!f)
		return !r->stage->once && !file_aside_is(n->path);
	return r->stage->once || !f->named || f->stuck || f->turn != FILE_RESTING;
}

/* ns from now; 0: it is due. */
static uint64_t due_in(const struct file_removal *r, int64_t since_ns)
{
	int64_t now = env_wall_ns(r->stage->env);
	uint64_t age = now > since_ns ? (uint64_t)(now - since_ns) : 0;
	return age < r->after_ns ? r->after_ns - age : 0;
}

static void leave_alone(struct file_removal *r)
{
	if (r->positions->at_hand)
		chain_unlink(&r->positions->at_hand->stored);
}

enum { LOOK_FLAGS = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK };

/* 0 or -ENOMEM. */
static int name(struct file_removal *r, const char *path)
{
	size_t above = (size_t)(file_aside_last_name(path) - path);
	forget_names(r);
	r->path = strdup(path);
	r->number = 1;
	r->aside = file_aside_is(path) ? strdup(path) : file_aside_of(path, r->number);
	r->directory = above > 1 ? strndup(path, above - 1) : strdup(above == 1 ? "/" : ".");
	return r->path && r->aside && r->directory ? 0 : -ENOMEM;
}

static int begin(struct file_removal *r, struct file_position *n)
{
	if (name(r, path_of(n)) < 0)
		return -ENOMEM;
	r->end = file_position_end(n);
	file_positions_take_in_hand(r->positions, n);
	return submit(r, REMOVAL_OPEN,
		      (struct io_op){.code = IO_OPEN,
				     .fd = AT_FDCWD,
				     .open = {.path = r->path, .flags = LOOK_FLAGS}});
}

/* One that lies aside has been left behind. 1, 0 or -ENOMEM. */
static int is_wanted(const struct file_removal *r, const struct file_position *n)
{
	char *original = file_aside_original(path_of(n));
	int wanted = original ? looking_is_wanted(r->finder, original) : -ENOMEM;
	free(original);
	return wanted;
}

/* The first that is due; when the others will be. */
static int pick(struct file_removal *r)
{
	struct chain *all = &r->positions->stored, *next;
	uint64_t soonest = UINT64_MAX;
	for (struct chain *c = all->next; c != all; c = next) {
		next = c->next;
		struct file_position *n = chain_owner(c, struct file_position, stored);
		int wanted = is_wanted(r, n);
		if (wanted < 0)
			return wanted;
		if (!is_whole(r, n) || !wanted) {
			chain_unlink(c);
			continue;
		}
		uint64_t in = due_in(r, n->stored_ns);
		if (in == 0 && !is_in_use(r, n))
			return begin(r, n);
		if (in == 0)
			in = PAUSE_NS;
		soonest = in < soonest ? in : soonest;
	}
	r->next_ns = soonest == UINT64_MAX ? soonest : env_now_ns(r->stage->env) + soonest;
	return STEP_WAIT;
}

/* ---- is it as it was? ---- */

static int rest(struct file_removal *r)
{
	descriptor_close(r->stage->env->io, &r->fd);
	descriptor_close(r->stage->env->io, &r->above);
	descriptor_close(r->stage->env->io, &r->seen);
	r->positions->at_hand = NULL;
	r->at = REMOVAL_IDLE;
	r->next_ns = 0;
	return STEP_MORE;
}

static int keep(struct file_removal *r)
{
	leave_alone(r);
	return rest(r);
}

static int refuse(struct file_removal *r, int64_t error)
{
	file_notes_not_removed(r->stage, r->path, (int)error);
	return keep(r);
}

/* What it was said to be may have become wrong meanwhile. */
static struct file_position *unchanged(const struct file_removal *r)
{
	struct file_position *n = r->positions->at_hand;
	bool is_same = n && !n->over && chain_is_linked(&n->stored) && !is_in_use(r, n);
	return is_same && file_position_end(n) == r->end && strcmp(path_of(n), r->path) == 0 ? n
											     : NULL;
}

static int after_open(struct file_removal *r)
{
	int64_t result = r->op.result;
	if (result == -ENOENT || result == -ELOOP || result == -ENOTDIR)
		return keep(r);
	if (result < 0)
		return refuse(r, result);
	r->fd = (int)result;
	return submit(r, REMOVAL_LOOK,
		      (struct io_op){.code = IO_STAT, .fd = r->fd, .stat = {.into = &r->stat}});
}

static int sample(struct file_removal *r, enum file_removal_at at, uint64_t from, size_t length)
{
	return submit(r, at,
		      (struct io_op){.code = IO_READ,
				     .fd = r->fd,
				     .read = {.bytes = r->sample + r->sampled,
					      .length = length - r->sampled,
					      .at = from + r->sampled}});
}

static bool is_that_file(const struct file_removal *r, const struct file_position *n)
{
	const struct io_status *st = &r->stat;
	bool is_born_alike = n->birth_ns == st->birth_ns || n->birth_ns == 0 || st->birth_ns == 0;
	return S_ISREG(st->mode) && st->device == n->device && st->inode == n->inode &&
	       is_born_alike && st->size == r->end;
}

static int after_look(struct file_removal *r)
{
	struct file_position *n = unchanged(r);
	if (!n)
		return rest(r);
	if (r->op.result < 0 || !is_that_file(r, n))
		return keep(r);
	if (due_in(r, r->stat.modified_ns) > 0) {
		n->stored_ns = r->stat.modified_ns;
		return rest(r);
	}
	r->sampled = 0;
	return sample(r, REMOVAL_HEAD, 0, n->head.length);
}

static int open_above(struct file_removal *r)
{
	return submit(
	    r, REMOVAL_ABOVE,
	    (struct io_op){.code = IO_OPEN,
			   .fd = AT_FDCWD,
			   .open = {.path = r->directory, .flags = O_DIRECTORY | O_CLOEXEC}});
}

static int after_sample(struct file_removal *r)
{
	bool is_head = r->at == REMOVAL_HEAD;
	struct file_position *n = unchanged(r);
	if (!n)
		return rest(r);
	if (r->op.result <= 0)
		return keep(r);
	uint64_t from = is_head ? 0 : n->tail.end - n->tail.length;
	size_t length = is_head ? n->head.length : n->tail.length;
	r->sampled += (size_t)r->op.result;
	if (r->sampled < length)
		return sample(r, r->at, from, length);
	int same = is_head ? file_head_compare(&n->head, r->sample)
			   : file_tail_compare(&n->tail, r->sample);
	if (same <= 0)
		return same < 0 ? same : keep(r);
	r->sampled = 0;
	if (is_head && n->tail.length > 0)
		return sample(r, REMOVAL_TAIL, n->tail.end - n->tail.length, n->tail.length);
	return open_above(r);
}

/* ---- is it still that one? ---- */

/* What comes in the last moment is read yet. */
static void let_read(struct file_removal *r, struct tracked_file *f)
{
	if (!f || f->fd >= 0)
		return;
	file_set_opened(r->finder->set, f, r->fd);
	r->fd = -1;
}

static int set_aside(struct file_removal *r)
{
	return submit(r, REMOVAL_ASIDE,
		      (struct io_op){.code = IO_RENAME,
				     .fd = r->above,
				     .rename = {.from = file_aside_last_name(r->path),
						.to = file_aside_last_name(r->aside)}});
}

static int see(struct file_removal *r)
{
	return submit(
	    r, REMOVAL_SEE,
	    (struct io_op){.code = IO_OPEN,
			   .fd = r->above,
			   .open = {.path = file_aside_last_name(r->aside), .flags = LOOK_FLAGS}});
}

static int put_back(struct file_removal *r)
{
	if (file_aside_is(r->path))
		return keep(r);
	return submit(r, REMOVAL_BACK,
		      (struct io_op){.code = IO_RENAME,
				     .fd = r->above,
				     .rename = {.from = file_aside_last_name(r->aside),
						.to = file_aside_last_name(r->path)}});
}

static int after_above(struct file_removal *r)
{
	if (r->op.result < 0)
		return refuse(r, r->op.result);
	r->above = (int)r->op.result;
	struct file_position *n = unchanged(r);
	if (!n)
		return rest(r);
	let_read(r, n->file);
	return file_aside_is(r->path) ? see(r) : set_aside(r);
}

static int after_aside(struct file_removal *r)
{
	if (r->op.result >= 0)
		return see(r);
	if (r->op.result == -EEXIST)
		return submit(r, REMOVAL_TAKEN,
			      (struct io_op){.code = IO_STAT,
					     .fd = r->above,
					     .stat = {.path = file_aside_last_name(r->aside),
						      .into = &r->now}});
	return r->op.result == -ENOENT ? keep(r) : refuse(r, r->op.result);
}

static int try_next_name(struct file_removal *r)
{
	if (r->number == FILE_ASIDE_NAMES)
		return refuse(r, -EEXIST);
	free(r->aside);
	r->aside = file_aside_of(r->path, ++r->number);
	return r->aside ? set_aside(r) : -ENOMEM;
}

static int after_taken(struct file_removal *r)
{
	bool is_the_same =
	    r->op.result >= 0 && r->now.device == r->stat.device && r->now.inode == r->stat.inode;
	if (!is_the_same)
		return try_next_name(r);
	return submit(r, REMOVAL_SPARE,
		      (struct io_op){.code = IO_UNLINK,
				     .fd = r->above,
				     .unlink = {.path = file_aside_last_name(r->aside)}});
}

static int after_spare(struct file_removal *r)
{
	bool is_gone = r->op.result >= 0 || r->op.result == -ENOENT;
	return is_gone ? set_aside(r) : refuse(r, r->op.result);
}

static int after_see(struct file_removal *r)
{
	if (r->op.result < 0)
		return put_back(r);
	r->seen = (int)r->op.result;
	return submit(r, REMOVAL_WHOSE,
		      (struct io_op){.code = IO_STAT, .fd = r->seen, .stat = {.into = &r->now}});
}

static bool is_as_it_was(const struct file_removal *r)
{
	const struct file_position *n = r->positions->at_hand;
	const struct io_status *was = &r->stat, *now = &r->now;
	return n && !n->over && file_position_end(n) == r->end && S_ISREG(now->mode) &&
	       now->device == was->device && now->inode == was->inode && now->size == was->size &&
	       now->modified_ns == was->modified_ns;
}

static int after_whose(struct file_removal *r)
{
	if (r->op.result < 0 || !is_as_it_was(r))
		return put_back(r);
	r->positions->at_hand->lingers = true;
	return submit(r, REMOVAL_UNLINK,
		      (struct io_op){.code = IO_UNLINK,
				     .fd = r->above,
				     .unlink = {.path = file_aside_last_name(r->aside)}});
}

/* Somebody has made a new file by its name: it stays where it is, and the next start knows of it. */
static int after_back(struct file_removal *r)
{
	return r->op.result < 0 ? refuse(r, r->op.result) : keep(r);
}

/* ---- gone ---- */

static int sync_above(struct file_removal *r)
{
	return submit(r, REMOVAL_SYNC, (struct io_op){.code = IO_SYNC, .fd = r->above});
}

static int after_unlink(struct file_removal *r)
{
	struct file_position *n = r->positions->at_hand;
	if (r->op.result < 0) {
		if (n)
			n->lingers = false;
		return r->op.result == -ENOENT ? keep(r) : refuse(r, r->op.result);
	}
	file_notes_removed(r->stage, r->path, r->end);
	leave_alone(r);
	if (n && n->file && n->file->named)
		looking_set_adrift(r->finder, n->file);
	if (n && n->file)
		return sync_above(r);
	return submit(r, REMOVAL_LAST,
		      (struct io_op){.code = IO_STAT, .fd = r->seen, .stat = {.into = &r->now}});
}

static int after_last(struct file_removal *r)
{
	if (r->op.result >= 0 && r->now.size > r->end)
		file_notes_removed_too_soon(r->stage, r->path, r->now.size - r->end);
	return sync_above(r);
}

/* Of one that is still being read its reader will say that it is gone; one that went astray is being searched for. */
static int after_sync(struct file_removal *r)
{
	struct file_position *n = r->positions->at_hand;
	if (n && r->op.result >= 0) {
		n->lingers = false;
		if (!n->file && !n->over && !n->astray)
			file_positions_forget(r->positions, n);
	}
	return rest(r);
}

static int go_on(struct file_removal *r)
{
	switch (r->at) {
	case REMOVAL_OPEN:
		return after_open(r);
	case REMOVAL_LOOK:
		return after_look(r);
	case REMOVAL_HEAD:
	case REMOVAL_TAIL:
		return after_sample(r);
	case REMOVAL_ABOVE:
		return after_above(r);
	case REMOVAL_ASIDE:
		return after_aside(r);
	case REMOVAL_TAKEN:
		return after_taken(r);
	case REMOVAL_SPARE:
		return after_spare(r);
	case REMOVAL_SEE:
		return after_see(r);
	case REMOVAL_WHOSE:
		return after_whose(r);
	case REMOVAL_BACK:
		return after_back(r);
	case REMOVAL_UNLINK:
		return after_unlink(r);
	case REMOVAL_LAST:
		return after_last(r);
	default:
		return after_sync(r);
	}
}

int file_removal_step(struct file_removal *r)
{
	if (r->after_ns == 0 || r->op.busy)
		return STEP_WAIT;
	if (r->at == REMOVAL_IDLE)
		return env_now_ns(r->stage->env) >= r->next_ns ? pick(r) : STEP_WAIT;
	if (r->op.result == -EINTR || r->op.result == -EAGAIN)
		return submit(r, r->at, r->op);
	return go_on(r);
}
