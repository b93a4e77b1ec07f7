#include "stages/source/file_finder.h"
#include "stages/source/file_recognition.h"
#include "stages/source/file_looking.h"
#include "stages/source/file_notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* What is under way, in the order in which it is attended to:
 *
 *   look (one path)  >  search (once)  >  events  >  walk (all patterns from their bases, or from a new directory)  >  patrol
 *
 * A look ends before the next thing begins, so a path's fate is settled before a later event about it is read. */

enum {
	WORK_PER_STEP = 256,
	PATROL_PER_TICK = 16,
	DIRECTORIES_LATER_MAX = 1024,
};
static const uint64_t patrol_every_ns = 250 * UINT64_C(1000000);
static const uint64_t walk_every_ns = 5 * UINT64_C(1000000000);
static const uint64_t walk_pause_max_ns =
    60 * UINT64_C(1000000000); /* one may have waited for a disk */
static const uint64_t lost_track_pause_ns = UINT64_C(1000000000);
enum { WALK_SHARE = 100 }; /* walks take at most one part in so many of the time */

struct finder_directory {
	struct finder_directory *next;
	char path[];
};

static uint64_t now_ns(const struct file_finder *f)
{
	return env_now_ns(f->stage->env);
}

int file_finder_start(struct file_finder *f)
{
	struct io *io = f->stage->env->io;
	glob_walk_init(&f->walk, io, -1, FILE_WATCH_DIRECTORY);
	f->walking = true;
	f->walk_began_ns = now_ns(f);
	if (!f->follow)
		return 0;
	f->watch = calloc(1, sizeof *f->watch);
	return f->watch ? file_watch_init(f->watch, io) : -ENOMEM;
}

static void pop_directory(struct finder_directory **list)
{
	struct finder_directory *d = *list;
	*list = d->next;
	free(d);
}

void file_finder_release(struct file_finder *f)
{
	assert(!f->op.busy);
	glob_walk_release(&f->walk);
	while (f->later)
		pop_directory(&f->later);
	free(f->from);
	file_lost_release(&f->lost);
	free(f->looking_at);
	free(f->other_path);
	if (f->watch)
		file_watch_release(f->watch);
	free(f->watch);
	glob_set_release(&f->include);
	glob_set_release(&f->exclude);
}

/* ---- events ---- */

static int remember_directory(struct file_finder *f, const char *path)
{
	if (f->later_count == DIRECTORIES_LATER_MAX) {
		f->lost_track = true;
		return 0;
	}
	size_t length = strlen(path) + 1;
	struct finder_directory *d = malloc(sizeof *d + length);
	if (!d)
		return -ENOMEM;
	memcpy(d->path, path, length);
	d->next = f->later;
	f->later = d;
	f->later_count++;
	return 0;
}

static void moved_away(struct file_finder *f, const struct file_event *e)
{
	struct tracked_file *t = file_set_by_path(f->set, e->path);
	f->set->moved = t;
	f->moved_cookie = e->cookie;
	f->moved_unseen = !t && looking_is_wanted(f, e->path);
	if (t)
		looking_set_adrift(f, t);
}

/* The two halves of a rename come one right behind the other. What was moved is followed under its new name, whether
 * the patterns match that or not; if they do not, it stays adrift. It is looked at again, since what had been seen
 * under the old name may have been its successor already. */
static int moved_here(struct file_finder *f, const struct file_event *e)
{
	bool is_other_half = f->moved_cookie == e->cookie;
	struct tracked_file *t = is_other_half ? f->set->moved : NULL;
	f->adopt = is_other_half && (t || f->moved_unseen);
	if (!f->adopt && !looking_is_wanted(f, e->path))
		return 0;
	if (t) {
		struct tracked_file *other = file_set_by_path(f->set, e->path);
		if (other && other != t)
			looking_set_adrift(f, other);
		int r = file_set_rename(f->set, t, e->path, looking_is_wanted(f, e->path));
		if (r < 0)
			return r;
	}
	return looking_begin(f, e->path, false, true);
}

static int take_event(struct file_finder *f, const struct file_event *e)
{
	struct tracked_file *t;
	switch (e->kind) {
	case FILE_EVENT_CHANGED:
		t = file_set_by_path(f->set, e->path);
		if (t)
			file_set_ready(f->set, t);
		else if (f->ignored && looking_is_wanted(f, e->path))
			return looking_begin(f, e->path, false, true);
		return 0;
	case FILE_EVENT_ATTRIBUTES:
		t = file_set_by_path(f->set, e->path);
		if (t && t->stuck && t->said) {
			t->stuck = false; /* it may be readable now */
			file_set_ready(f->set, t);
		}
		return t || !looking_is_wanted(f, e->path) ? 0
							   : looking_begin(f, e->path, false, true);
	case FILE_EVENT_CAME:
		return looking_is_wanted(f, e->path) ? looking_begin(f, e->path, false, true) : 0;
	case FILE_EVENT_MOVED_HERE:
		return moved_here(f, e);
	case FILE_EVENT_MOVED_AWAY:
		moved_away(f, e);
		return 0;
	case FILE_EVENT_WENT:
		t = file_set_by_path(f->set, e->path);
		if (t)
			looking_set_adrift(f, t);
		return 0;
	case FILE_EVENT_DIRECTORY_CAME:
		return remember_directory(f, e->path);
	case FILE_EVENT_LOST_TRACK:
		f->lost_track = true;
		return 0;
	case FILE_EVENT_NONE:
		break;
	}
	return 0;
}

/* 1: an event was dealt with; 0: there is none; below 0: failed. */
static int next_event(struct file_finder *f)
{
	if (!f->watch)
		return 0;
	struct file_event e = file_watch_next(f->watch);
	if (e.kind == FILE_EVENT_NONE)
		return 0;
	int r = take_event(f, &e);
	if (e.kind != FILE_EVENT_MOVED_AWAY) {
		f->set->moved = NULL;
		f->moved_unseen = false;
	}
	return r < 0 ? r : 1;
}

/* ---- walks ---- */

static int take_file(struct file_finder *f, const struct walk_item *item, const struct glob *g)
{
	if (glob_set_excludes(&f->exclude, item->path))
		return 0;
	bool known = file_set_by_path(f->set, item->path);
	if (known && !f->thorough)
		return 0;
	bool may_be_link = g->literal || item->type == DT_LNK;
	return looking_begin(f, item->path, g->literal, may_be_link);
}

static int take_item(struct file_finder *f, const struct walk_item *item, const struct glob *g)
{
	switch (item->kind) {
	case WALK_FILE:
		return take_file(f, item, g);
	case WALK_DIRECTORY:
		return file_watch_note(f->watch, item->descriptor, item->path);
	case WALK_UNREADABLE:
		if (!f->first_done && item->error != -ENOENT)
			file_notes_unreadable(f->stage, item->path, item->error);
		return 0;
	case WALK_UNWATCHED:
		if (!f->said_unwatched && item->error != -ENOENT && item->error != -ENOTDIR) {
			f->said_unwatched = true;
			env_say(f->stage->env, SAY_WARN, "directory cannot be watched",
				"path=%s error=%s action=%s", file_notes_path(f->stage, item->path),
				strerror(-item->error), "looking at it every few seconds");
		}
		return 0;
	case WALK_WAIT:
	case WALK_DONE:
		break;
	}
	return 0;
}

static void start_walk(struct file_finder *f)
{
	f->walk.watcher = f->watch ? f->watch->fd : -1;
	f->next_glob = 0;
	f->walking = true;
	f->walk_began_ns = now_ns(f);
}

/* The first walk is over: what is remembered and was not met must have been renamed, or is gone. Later: what went astray
 * without anybody being told. */
static int begin_search(struct file_finder *f)
{
	struct file_positions *positions = f->set->positions;
	if (!positions) {
		f->first_done = true;
		return 0;
	}
	if (!f->first_done)
		recognition_begin_search(positions, f->set);
	f->searching = true;
	file_lost_begin(&f->lost, f->stage, positions, &f->include, &f->exclude);
	return file_positions_lose(positions);
}

/* As do_one_thing(). */
static int search_on(struct file_finder *f)
{
	struct lost_file found;
	int r = file_lost_step(&f->lost, &found);
	if (r == STEP_DONE) {
		f->searching = false;
		f->first_done = true;
		r = file_positions_settle(f->set->positions);
		return r < 0 ? r : 1;
	}
	if (r == STEP_MORE && found.path)
		return looking_adopt(f, found.path, &found.stat);
	return r;
}

/* 0 or -ENOMEM. */
static int end_walk(struct file_finder *f)
{
	uint64_t now = now_ns(f), pause = (now - f->walk_began_ns) * WALK_SHARE;
	if (pause > walk_pause_max_ns)
		pause = walk_pause_max_ns;
	f->walking = false;
	if (f->from) {
		free(f->from);
		f->from = NULL;
		return 0;
	}
	if (f->thorough)
		f->patrol_left = f->set->count;
	f->thorough = false;
	f->next_walk_ns = now + (pause > walk_every_ns ? pause : walk_every_ns);
	bool strays = f->set->positions && file_positions_has_strays(f->set->positions);
	return f->first_done && !strays ? 0 : begin_search(f);
}

/* 1: something was dealt with; 0: an operation is under way, or there is nothing to do; below 0: failed. */
static int walk_on(struct file_finder *f)
{
	if (!f->walk.glob) {
		if (f->walk.out_of_memory)
			return -ENOMEM;
		if (f->next_glob == f->include.count) {
			int r = end_walk(f);
			return r < 0 ? r : 1;
		}
		const struct glob *g = &f->include.globs[f->next_glob++];
		int r = glob_walk_start(&f->walk, g, f->from ? f->from->path : NULL);
		return r < 0 ? r : 1;
	}
	const struct glob *g = f->walk.glob;
	struct walk_item item = glob_walk_next(&f->walk);
	if (item.kind == WALK_WAIT)
		return 0;
	int r = take_item(f, &item, g);
	return r < 0 ? r : 1;
}

static int begin_walk(struct file_finder *f)
{
	uint64_t now = now_ns(f);
	if (f->later) {
		f->from = f->later;
		f->later = f->from->next;
		f->later_count--;
		start_walk(f);
		return 1;
	}
	if (f->lost_track && f->next_walk_ns > now + lost_track_pause_ns)
		f->next_walk_ns = now + lost_track_pause_ns;
	if (now < f->next_walk_ns)
		return 0;
	f->thorough = f->lost_track;
	f->lost_track = false;
	start_walk(f);
	return 1;
}

/* ---- patrol ---- */

static int patrol(struct file_finder *f)
{
	uint64_t now = now_ns(f);
	if (f->patrol_left == 0 && now >= f->next_patrol_ns) {
		f->next_patrol_ns = now + patrol_every_ns;
		f->patrol_left = f->set->count < PATROL_PER_TICK ? f->set->count : PATROL_PER_TICK;
	}
	struct chain *first = chain_first(&f->set->all);
	if (!first)
		f->patrol_left = 0; /* or no moment for the next round would be set */
	if (f->patrol_left == 0)
		return 0;
	f->patrol_left--;
	chain_append(&f->set->all, first);
	struct tracked_file *t = chain_owner(first, struct tracked_file, all);
	if (!t->named || t->place.form == FILE_STREAM)
		return 1;
	int r = looking_begin(f, t->path, false, false);
	return r < 0 ? r : 1;
}

/* ---- */

static int do_one_thing(struct file_finder *f)
{
	int r;
	if (f->look != LOOK_NONE) {
		if (f->op.busy)
			return 0;
		r = looking_done(f);
		return r < 0 ? r : 1;
	}
	if (f->searching)
		return search_on(f);
	r = next_event(f);
	if (r != 0)
		return r;
	if (f->walking)
		return walk_on(f);
	if (!f->follow)
		return 0;
	r = begin_walk(f);
	return r != 0 ? r : patrol(f);
}

static bool is_up(struct file_finder *f)
{
	int error = 0;
	if (!f->watch)
		return true;
	if (!file_watch_is_up(f->watch, &error))
		return false;
	if (error < 0)
		env_say(f->stage->env, SAY_WARN, "inotify refused", "error=%s action=%s",
			strerror(-error), "looking at files every few seconds");
	f->walk.watcher = f->watch->fd;
	return true;
}

int file_finder_step(struct file_finder *f)
{
	if (!is_up(f))
		return STEP_WAIT;
	for (int i = 0; i < WORK_PER_STEP; i++) {
		int r = do_one_thing(f);
		if (r < 0)
			return r;
		if (r == 0)
			return !f->follow && f->first_done ? STEP_DONE : STEP_WAIT;
	}
	return STEP_MORE;
}

uint64_t file_finder_next_ns(const struct file_finder *f)
{
	if (!f->follow || f->look != LOOK_NONE || f->walking || f->searching)
		return UINT64_MAX;
	return f->next_patrol_ns < f->next_walk_ns ? f->next_patrol_ns : f->next_walk_ns;
}
