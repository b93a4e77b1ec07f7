#include "stages/glob_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Where entries have no type, a link to a directory above looks like a directory: only depth ends that walk. */
enum { DEPTH_MAX = 128 };

struct walk_directory {
	struct walk_directory *next;
	glob_state state;
	unsigned depth;
	char path[];
};

char *path_join(const char *directory, const char *name)
{
	if (strcmp(directory, ".") == 0)
		return strdup(name);
	size_t length = strlen(directory);
	bool has_slash = length > 0 && directory[length - 1] == '/';
	char *path = malloc(length + strlen(name) + 2);
	if (path)
		stpcpy(stpcpy(stpcpy(path, directory), has_slash ? "" : "/"), name);
	return path;
}

static void on_done(struct io_op *op)
{
	(void)op;
}

void glob_walk_init(struct glob_walk *w, struct io *io, int watcher, uint32_t watch_mask)
{
	*w = (struct glob_walk){.io = io, .watcher = watcher, .watch_mask = watch_mask};
}

static void leave_directory(struct glob_walk *w)
{
	io_listing_release(&w->listing);
	free(w->path);
	free(w->current);
	w->path = NULL;
	w->current = NULL;
	w->next_entry = 0;
	w->at = WALK_AT_DIRECTORY;
}

void glob_walk_release(struct glob_walk *w)
{
	assert(!w->op.busy);
	leave_directory(w);
	while (w->waiting) {
		struct walk_directory *d = w->waiting;
		w->waiting = d->next;
		free(d);
	}
	w->glob = NULL;
}

static int push_directory(struct glob_walk *w, const char *path, glob_state state, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return 0;
	size_t length = strlen(path) + 1;
	struct walk_directory *d = malloc(sizeof *d + length);
	if (!d)
		return -ENOMEM;
	memcpy(d->path, path, length);
	d->state = state;
	d->depth = depth;
	d->next = w->waiting;
	w->waiting = d;
	return 0;
}

int glob_walk_start(struct glob_walk *w, const struct glob *g, const char *from)
{
	assert(!w->glob && !w->waiting && !w->current);
	glob_state state = glob_at(g, from ? from : g->base);
	if (!from || (g->literal && glob_goes_on(g, state)))
		from = g->base;
	if (glob_goes_on(g, state)) {
		int r = push_directory(w, from, state, 0);
		if (r < 0)
			return r;
	}
	w->glob = g;
	w->out_of_memory = 0;
	w->at = WALK_AT_DIRECTORY;
	return 0;
}

static void submit(struct glob_walk *w, enum io_code code, int fd)
{
	w->op.code = code;
	w->op.fd = fd;
	w->op.stream = false;
	w->op.done = on_done;
	io_submit(w->io, &w->op);
}

static void begin_listing(struct glob_walk *w)
{
	if (w->glob->literal) {
		w->at = WALK_AT_LITERAL;
		return;
	}
	w->at = WALK_AT_LISTING;
	w->op.list.path = w->current->path;
	w->op.list.into = &w->listing;
	submit(w, IO_LIST, AT_FDCWD);
}

static void enter_directory(struct glob_walk *w)
{
	w->current = w->waiting;
	w->waiting = w->current->next;
	if (w->watcher < 0) {
		begin_listing(w);
		return;
	}
	w->at = WALK_AT_WATCH;
	w->op.watch.path = w->current->path;
	w->op.watch.mask = w->watch_mask;
	submit(w, IO_WATCH_ADD, w->watcher);
}

static struct walk_item after_watch(struct glob_walk *w)
{
	struct walk_item item = {.kind = WALK_DIRECTORY, .path = w->current->path};
	if (w->op.result < 0) {
		item.kind = WALK_UNWATCHED;
		item.error = (int)w->op.result;
	} else {
		item.descriptor = (int)w->op.result;
	}
	begin_listing(w);
	return item;
}

/* True if the listing failed. */
static bool after_listing(struct glob_walk *w, struct walk_item *item)
{
	if (w->op.result >= 0) {
		w->at = WALK_AT_ENTRIES;
		return false;
	}
	w->listing = (struct io_listing){.entries = NULL};
	w->at = WALK_AT_END;
	*item = (struct walk_item){
	    .kind = WALK_UNREADABLE, .path = w->current->path, .error = (int)w->op.result};
	return true;
}

static glob_state state_after(const struct glob_walk *w, const struct io_entry *e)
{
	return glob_step(w->glob, w->current->state, e->name, e->type == DT_LNK);
}

static void descend(struct glob_walk *w, glob_state state)
{
	if (push_directory(w, w->path, state, w->current->depth + 1) < 0)
		w->out_of_memory = -ENOMEM;
}

static bool give_file(struct glob_walk *w, const struct io_entry *e, glob_state state,
		      struct walk_item *item)
{
	if (!glob_is_match(w->glob, state))
		return false;
	*item = (struct walk_item){.kind = WALK_FILE, .path = w->path, .type = e->type};
	return true;
}

/* True if the next entry is a file that matches. */
static bool take_entry(struct glob_walk *w, struct walk_item *item)
{
	const struct io_entry *e = &w->listing.entries[w->next_entry++];
	glob_state state = state_after(w, e);
	if (!state)
		return false;
	free(w->path);
	w->path = path_join(w->current->path, e->name);
	if (!w->path) {
		w->out_of_memory = -ENOMEM;
		return false;
	}
	bool goes_on = glob_goes_on(w->glob, state);
	if (goes_on && e->type == DT_DIR) {
		descend(w, state);
	} else if (goes_on && (e->type == DT_LNK || e->type == DT_UNKNOWN)) {
		w->at = WALK_AT_STAT;
		w->op.stat.path = w->path;
		w->op.stat.into = &w->stat;
		submit(w, IO_STAT, AT_FDCWD);
		return false;
	}
	return e->type != DT_DIR && give_file(w, e, state, item);
}

/* What looked as if it might be a directory has been looked at. True if it is a file that matches. */
static bool after_stat(struct glob_walk *w, struct walk_item *item)
{
	const struct io_entry *e = &w->listing.entries[w->next_entry - 1];
	glob_state state = state_after(w, e);
	w->at = WALK_AT_ENTRIES;
	if (w->op.result < 0 || !S_ISDIR(w->stat.mode))
		return give_file(w, e, state, item);
	descend(w, state);
	return false;
}

/* One step of the walk. True if it gave an item. */
static bool advance(struct glob_walk *w, struct walk_item *item)
{
	switch (w->at) {
	case WALK_AT_DIRECTORY:
		if (w->waiting) {
			enter_directory(w);
			return false;
		}
		w->glob = NULL;
		*item = (struct walk_item){.kind = WALK_DONE};
		return true;
	case WALK_AT_WATCH:
		*item = after_watch(w);
		return true;
	case WALK_AT_LISTING:
		return after_listing(w, item);
	case WALK_AT_ENTRIES:
		if (w->next_entry < w->listing.count)
			return take_entry(w, item);
		leave_directory(w);
		return false;
	case WALK_AT_STAT:
		return after_stat(w, item);
	case WALK_AT_LITERAL:
		*item = (struct walk_item){
		    .kind = WALK_FILE, .path = w->glob->literal, .type = DT_UNKNOWN};
		w->at = WALK_AT_END;
		return true;
	case WALK_AT_END:
		leave_directory(w);
		return false;
	}
	abort();
}

struct walk_item glob_walk_next(struct glob_walk *w)
{
	struct walk_item item = {.kind = WALK_WAIT};
	while (!w->op.busy && !advance(w, &item))
		;
	return item;
}
