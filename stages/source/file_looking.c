#include "stages/source/file_looking.h"
#include "stages/source/file_notes.h"
#include "stages/source/file_positions.h"
#include "stages/source/file_recognition.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define NOTICED_NS INT64_C(60000000000) /* the longest pause between two walks */

static void on_done(struct io_op *op)
{
	(void)op;
}

static uint64_t now_ns(const struct file_finder *f)
{
	return env_now_ns(f->stage->env);
}

bool looking_is_wanted(const struct file_finder *f, const char *path)
{
	return glob_set_matches(&f->include, path) && !glob_set_excludes(&f->exclude, path);
}

int looking_begin(struct file_finder *f, const char *path, bool is_literal, bool may_be_link)
{
	assert(f->look == LOOK_NONE);
	f->looking_at = strdup(path);
	if (!f->looking_at)
		return -ENOMEM;
	f->is_literal = is_literal;
	f->may_be_link = may_be_link;
	f->look = LOOK_STAT;
	f->op = (struct io_op){.code = IO_STAT,
			       .fd = AT_FDCWD,
			       .stat = {.path = f->looking_at, .into = &f->stat},
			       .done = on_done};
	io_submit(f->stage->env->io, &f->op);
	return 0;
}

static void end_look(struct file_finder *f)
{
	f->adopt = false;
	free(f->looking_at);
	f->looking_at = NULL;
	f->look = LOOK_NONE;
}

/* The path's directory is watched, but what a link leads to may lie elsewhere. */
static void watch_file(struct file_finder *f)
{
	f->look = LOOK_WATCH;
	f->op = (struct io_op){.code = IO_WATCH_ADD,
			       .fd = f->watch->fd,
			       .watch = {.path = f->looking_at, .mask = FILE_WATCH_FILE},
			       .done = on_done};
	io_submit(f->stage->env->io, &f->op);
}

static bool is_readable_kind(const struct io_status *st)
{
	return S_ISREG(st->mode) || S_ISFIFO(st->mode) || S_ISCHR(st->mode);
}

void looking_set_adrift(struct file_finder *f, struct tracked_file *t)
{
	file_set_unname(f->set, t);
	t->quiet_at_ns = now_ns(f) + FILE_QUIET_NS;
	if (t->stuck)
		t->quiet_at_ns = 0;
	t->stuck = false; /* so that its turn comes, and it is closed */
	file_set_ready(f->set, t);
}

static void not_there(struct file_finder *f, int error)
{
	struct tracked_file *t = file_set_by_path(f->set, f->looking_at);
	bool gone = error == -ENOENT || error == -ENOTDIR;
	if (t && gone &&
	    !f->adopt) /* what was just moved here has been moved on, as will be told */
		looking_set_adrift(f, t);
	bool is_mistake = gone ? f->is_literal && !f->may_be_removed : true;
	if (!t && !f->first_done && is_mistake)
		file_notes_unreadable(f->stage, f->looking_at, error);
}

/* Nobody has written to it for long, and nothing of it was read before. */
static bool is_too_old(const struct file_finder *f)
{
	int64_t age = env_wall_ns(f->stage->env) - f->stat.modified_ns;
	return f->ignore_older_ns > 0 && S_ISREG(f->stat.mode) && age > 0 &&
	       (uint64_t)age > f->ignore_older_ns &&
	       !(f->set->positions && recognition_find(f->set->positions, &f->stat, f->looking_at));
}

/* It was born after the last run had noted all there was, or hardly before, as new files are not noticed at once. */
static bool is_younger(const struct file_positions *p, const struct io_status *st)
{
	return p->noted_ns != 0 && st->birth_ns != 0 && st->birth_ns > p->noted_ns - NOTICED_NS;
}

/* A new file in the place of one that was read came after it. */
static bool begins_at_end(const struct file_finder *f)
{
	const struct file_positions *p = f->set->positions;
	return f->from_end && !f->first_done &&
	       !(p && (file_positions_has_path(p, f->looking_at) || is_younger(p, &f->stat)));
}

/* Where is the first byte of the regular file that is to be read? 0 or -ENOMEM. */
static int find_place(struct file_finder *f, struct tracked_file *t)
{
	const struct io_status *st = &f->stat;
	bool is_known = false;
	if (f->set->positions) {
		is_known = recognition_find(f->set->positions, st, f->looking_at);
		if (recognition_attach(f->set->positions, t, st) < 0)
			return -ENOMEM;
	}
	if (!is_known && begins_at_end(f)) {
		t->place.at = t->end = t->size = t->done = st->size;
		f->began_at_end = true;
		if (t->position)
			t->position->doubted = true; /* there is no sample of it yet */
	}
	if (st->size > t->size)
		t->size = st->size;
	return 0;
}

static int add_new(struct file_finder *f)
{
	if (is_too_old(f)) {
		f->ignored = true;
		return 0;
	}
	struct tracked_file *t = file_set_add(f->set, f->looking_at, &f->stat);
	if (!t)
		return -ENOMEM;
	int r = 0;
	if (!S_ISREG(f->stat.mode))
		t->place.form = FILE_STREAM;
	else
		r = find_place(f, t);
	counter_add(&f->stage->counters->work_total, t->size - t->done);
	if (r == 0 && f->adopt) {
		t->quiet_at_ns = now_ns(f) + FILE_QUIET_NS;
		r = file_set_rename(f->set, t, f->looking_at, looking_is_wanted(f, f->looking_at));
	}
	if (f->follow && !f->holding)
		file_set_ready(f->set, t);
	return r;
}

/* The path still leads to the file that it led to before. */
static void same_file(struct file_finder *f, struct tracked_file *t)
{
	uint64_t size = f->stat.size;
	bool is_due = t->stuck && t->said && now_ns(f) >= t->retry_ns;
	if (size < t->end || is_due)
		t->stuck = false; /* truncated: whatever was wrong with it is gone */
	if (size != t->end || is_due)
		file_set_ready(f->set, t);
}

/* One of the patterns is this path, without wildcards. */
static bool is_written_out(const struct file_finder *f, const char *path)
{
	for (size_t i = 0; i < f->include.count; i++) {
		const char *literal = f->include.globs[i].literal;
		if (literal && strcmp(literal, path) == 0)
			return true;
	}
	return false;
}

/* Reading a pipe or a device may never end: nobody meant those who wrote wildcards. */
static bool is_passed_over(const struct file_finder *f)
{
	if (S_ISREG(f->stat.mode) || is_written_out(f, f->looking_at))
		return false;
	if (!f->first_done && !S_ISDIR(f->stat.mode))
		file_notes_passed_over(f->stage, f->looking_at);
	return true;
}

/* The file has a name already: this is a second one, or a directory on the way has been renamed. */
static int look_at_other(struct file_finder *f, const char *path)
{
	free(f->other_path);
	f->other_path = strdup(path);
	if (!f->other_path)
		return -ENOMEM;
	f->look = LOOK_OTHER;
	f->op.stat.path = f->other_path;
	f->op.stat.into = &f->other_stat;
	io_submit(f->stage->env->io, &f->op);
	return 0;
}

static int after_other(struct file_finder *f)
{
	const struct io_status *st = &f->stat, *other = &f->other_stat;
	struct tracked_file *t = file_set_by_id(f->set, st->device, st->inode);
	bool is_gone = f->op.result == -ENOENT || f->op.result == -ENOTDIR;
	bool is_another =
	    f->op.result >= 0 && (other->device != st->device || other->inode != st->inode);
	if (!t || !(is_gone || is_another))
		return 0;
	int r = file_set_rename(f->set, t, f->looking_at, looking_is_wanted(f, f->looking_at));
	file_set_ready(f->set, t);
	return r;
}

/* What was written before the watch was there has been told by nobody. */
static int after_watch(struct file_finder *f)
{
	struct tracked_file *t = file_set_by_path(f->set, f->looking_at);
	if (t)
		file_set_ready(f->set, t);
	if (f->op.result < 0)
		return 0;
	return file_watch_note(f->watch, (int)f->op.result, f->looking_at);
}

static int reconcile(struct file_finder *f)
{
	struct tracked_file *by_path = file_set_by_path(f->set, f->looking_at);
	struct tracked_file *by_id = file_set_by_id(f->set, f->stat.device, f->stat.inode);
	if (by_path && by_path == by_id) {
		same_file(f, by_path);
		return 0;
	}
	if (by_path)
		looking_set_adrift(f, by_path);
	if (is_passed_over(f))
		return 0;
	if (!is_readable_kind(&f->stat)) {
		if (f->is_literal && !f->first_done)
			file_notes_unreadable(f->stage, f->looking_at,
					      S_ISDIR(f->stat.mode) ? -EISDIR : -ENOTSUP);
		return 0;
	}
	if (!by_id)
		return add_new(f);
	if (by_id->named)
		return f->follow ? look_at_other(f, by_id->path) : 0;
	int r = file_set_rename(f->set, by_id, f->looking_at, looking_is_wanted(f, f->looking_at));
	file_set_ready(f->set, by_id);
	return r;
}

int looking_done(struct file_finder *f)
{
	int r = 0;
	if (f->look == LOOK_WATCH) {
		r = after_watch(f);
	} else if (f->look == LOOK_OTHER) {
		r = after_other(f);
	} else if (f->op.result < 0) {
		not_there(f, (int)f->op.result);
	} else {
		const struct tracked_file *before = file_set_by_path(f->set, f->looking_at);
		r = reconcile(f);
		if (r < 0 || f->look != LOOK_STAT)
			return r;
		const struct tracked_file *now = file_set_by_path(f->set, f->looking_at);
		if (f->may_be_link && now && now != before && f->watch && f->watch->fd >= 0) {
			watch_file(f);
			return 0;
		}
	}
	end_look(f);
	return r;
}

int looking_adopt(struct file_finder *f, const char *path, const struct io_status *st)
{
	assert(f->look == LOOK_NONE);
	f->looking_at = strdup(path);
	if (!f->looking_at)
		return -ENOMEM;
	f->stat = *st;
	f->adopt = true;
	struct tracked_file *other = file_set_by_path(f->set, path);
	if (other)
		looking_set_adrift(f, other);
	int r = add_new(f);
	end_look(f);
	return r < 0 ? r : 1;
}
