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
				   .above = -1};
}

void file_removal_release(struct file_removal *r)
{
	if (!r->stage)
		return;
	assert(!r->op.busy);
	int unseen = -1; /* it was opened, and nobody has looked since */
	if (r->at == REMOVAL_OPEN || r->at == REMOVAL_ABOVE)
		unseen = (int)r->op.result;
	descriptor_close(r->stage->env->io, &unseen);
	descriptor_close(r->stage->env->io, &r->fd);
	descriptor_close(r->stage->env->io, &r->above);
	free(r->path);
	r->path = NULL;
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

/* How long the file is if nothing has come to it since. */
static uint64_t end_of(const struct file_position *n)
{
	if (n->form == FILE_PACKED)
		return n->tail.end;
	return n->file ? n->file->at : n->at;
}

/* Of a line that is too long all has been taken that is there, and yet it may go on. Read once, it has ended. */
static bool is_within_line(const struct file_removal *r, const struct file_position *n)
{
	const struct tracked_file *f = r->stage->once ? NULL : n->file;
	return f && (f->framer.skipping || f->framer.in_split);
}

/* What was emptied or begun somewhere else than at its first byte stays. */
static bool is_whole(const struct file_removal *r, const struct file_position *n)
{
	return end_of(n) > 0 && !is_within_line(r, n) && n->head.length > 0 &&
	       n->form != FILE_STREAM && !n->over;
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
		return !r->stage->once;
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

static int begin(struct file_removal *r, struct file_position *n)
{
	free(r->path);
	r->path = strdup(path_of(n));
	if (!r->path)
		return -ENOMEM;
	r->end = end_of(n);
	file_positions_take_in_hand(r->positions, n);
	return submit(r, REMOVAL_OPEN,
		      (struct io_op){.code = IO_OPEN,
				     .fd = AT_FDCWD,
				     .open = {.path = r->path,
					      .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY |
						       O_NOFOLLOW | O_NONBLOCK}});
}

/* The first that is due; when the others will be. */
static int pick(struct file_removal *r)
{
	struct chain *all = &r->positions->stored, *next;
	uint64_t soonest = UINT64_MAX;
	for (struct chain *c = all->next; c != all; c = next) {
		next = c->next;
		struct file_position *n = chain_owner(c, struct file_position, stored);
		if (!is_whole(r, n) || !looking_is_wanted(r->finder, path_of(n))) {
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
	return is_same && end_of(n) == r->end && strcmp(path_of(n), r->path) == 0 ? n : NULL;
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
	n->lingers = true;
	return submit(
	    r, REMOVAL_UNLINK,
	    (struct io_op){.code = IO_UNLINK, .fd = AT_FDCWD, .unlink = {.path = r->path}});
}

/* ---- gone ---- */

/* What came in the last moment is read yet. */
static void set_adrift(struct file_removal *r, struct tracked_file *f)
{
	if (f->fd < 0 && f->turn == FILE_RESTING && f->named) {
		file_set_opened(r->finder->set, f, r->fd);
		r->fd = -1;
	}
	if (f->named)
		looking_set_adrift(r->finder, f);
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
	if (n && n->file)
		set_adrift(r, n->file);
	descriptor_close(r->stage->env->io, &r->fd);
	char *slash = strrchr(r->path, '/');
	if (slash)
		slash[slash == r->path ? 1 : 0] = '\0';
	return submit(r, REMOVAL_ABOVE,
		      (struct io_op){.code = IO_OPEN,
				     .fd = AT_FDCWD,
				     .open = {.path = slash ? r->path : ".",
					      .flags = O_DIRECTORY | O_CLOEXEC}});
}

static int after_above(struct file_removal *r)
{
	if (r->op.result < 0)
		return rest(r); /* it may come back, so it stays known */
	r->above = (int)r->op.result;
	return submit(r, REMOVAL_SYNC, (struct io_op){.code = IO_SYNC, .fd = r->above});
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
	case REMOVAL_UNLINK:
		return after_unlink(r);
	case REMOVAL_ABOVE:
		return after_above(r);
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
