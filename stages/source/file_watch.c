#include "stages/source/file_watch.h"
#include "stages/descriptor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct watched_place {
	struct hash_node node;
	struct chain all;
	int descriptor;
	char *path;
};

static void on_done(struct io_op *op)
{
	(void)op;
}

int file_watch_init(struct file_watch *w, struct io *io)
{
	w->io = io;
	w->fd = -1;
	w->failed = false;
	w->from = w->to = 0;
	w->op = (struct io_op){.code = IO_WATCH_NEW, .done = on_done};
	chain_init(&w->all);
	int r = hash_index_init(&w->by_descriptor);
	if (r == 0)
		io_submit(io, &w->op);
	return r;
}

static void forget(struct file_watch *w, struct watched_place *p)
{
	hash_index_remove(&w->by_descriptor, &p->node);
	chain_unlink(&p->all);
	free(p->path);
	free(p);
}

void file_watch_release(struct file_watch *w)
{
	if (!w->io)
		return;
	assert(!w->op.busy);
	if (w->fd < 0 && w->op.code == IO_WATCH_NEW && w->op.result >= 0)
		w->fd = (int)w->op.result; /* made, and nobody has asked since */
	struct chain *c;
	while ((c = chain_first(&w->all)))
		forget(w, chain_owner(c, struct watched_place, all));
	hash_index_release(&w->by_descriptor);
	descriptor_close(w->io, &w->fd);
}

static void submit_read(struct file_watch *w)
{
	w->op = (struct io_op){.code = IO_READ,
			       .fd = w->fd,
			       .stream = true,
			       .read = {.bytes = w->events, .length = sizeof w->events},
			       .done = on_done};
	io_submit(w->io, &w->op);
}

bool file_watch_is_up(struct file_watch *w, int *ret_error)
{
	if (w->fd >= 0 || w->failed)
		return true;
	if (w->op.busy)
		return false;
	if (w->op.result < 0) {
		w->failed = true;
		*ret_error = (int)w->op.result;
		return true;
	}
	w->fd = (int)w->op.result;
	submit_read(w);
	return true;
}

static struct watched_place *find(const struct file_watch *w, int descriptor)
{
	struct hash_node *n =
	    hash_index_first(&w->by_descriptor, hash_bytes(&descriptor, sizeof descriptor));
	for (; n; n = hash_index_next(n)) {
		struct watched_place *p = chain_owner(n, struct watched_place, node);
		if (p->descriptor == descriptor)
			return p;
	}
	return NULL;
}

int file_watch_note(struct file_watch *w, int descriptor, const char *path)
{
	struct watched_place *p = find(w, descriptor);
	if (p && strcmp(p->path, path) == 0)
		return 0;
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	if (p) { /* the same directory under another name */
		free(p->path);
		p->path = copy;
		return 0;
	}
	p = calloc(1, sizeof *p);
	if (!p) {
		free(copy);
		return -ENOMEM;
	}
	p->descriptor = descriptor;
	p->path = copy;
	chain_init(&p->all);
	chain_append(&w->all, &p->all);
	hash_index_add(&w->by_descriptor, &p->node, hash_bytes(&descriptor, sizeof descriptor));
	return 0;
}

static enum file_event_kind kind_of(uint32_t mask)
{
	if (mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
		return FILE_EVENT_LOST_TRACK;
	if (mask & IN_ISDIR) {
		if (mask & (IN_CREATE | IN_MOVED_TO))
			return FILE_EVENT_DIRECTORY_CAME;
		return mask & IN_MOVED_FROM ? FILE_EVENT_LOST_TRACK : FILE_EVENT_NONE;
	}
	if (mask & IN_MOVED_FROM)
		return FILE_EVENT_MOVED_AWAY;
	if (mask & IN_MOVED_TO)
		return FILE_EVENT_MOVED_HERE;
	if (mask & IN_DELETE)
		return FILE_EVENT_WENT;
	if (mask & IN_CREATE)
		return FILE_EVENT_CAME;
	if (mask & IN_MODIFY)
		return FILE_EVENT_CHANGED;
	return mask & IN_ATTRIB ? FILE_EVENT_ATTRIBUTES : FILE_EVENT_NONE;
}

/* Puts the event's path together. False: it is longer than any that could be opened. */
static bool fill_path(struct file_watch *w, const struct watched_place *p, const char *name)
{
	const char *directory = strcmp(p->path, ".") == 0 && *name ? "" : p->path;
	size_t length = strlen(directory);
	bool needs_slash = *name && length > 0 && directory[length - 1] != '/';
	int written =
	    snprintf(w->path, sizeof w->path, "%s%s%s", directory, needs_slash ? "/" : "", name);
	return written >= 0 && (size_t)written < sizeof w->path;
}

static struct file_event translate(struct file_watch *w, const struct inotify_event *e)
{
	struct file_event event = {.kind = kind_of(e->mask), .path = w->path, .cookie = e->cookie};
	struct watched_place *p = find(w, e->wd);
	if (e->mask & IN_IGNORED && p)
		forget(w, p);
	else if (!p && !(e->mask & IN_Q_OVERFLOW))
		event.kind = FILE_EVENT_NONE;
	else if (p && !fill_path(w, p, e->len > 0 ? e->name : ""))
		event.kind = FILE_EVENT_NONE;
	return event;
}

struct file_event file_watch_next(struct file_watch *w)
{
	struct file_event event = {.kind = FILE_EVENT_NONE};
	if (w->fd < 0 || w->op.busy)
		return event;
	if (w->op.code == IO_READ && w->op.result > 0) {
		w->from = 0;
		w->to = (size_t)w->op.result;
		w->op.result = 0;
	}
	while (w->from < w->to && event.kind == FILE_EVENT_NONE) {
		const struct inotify_event *e = (const void *)(w->events + w->from);
		w->from += sizeof *e + e->len;
		event = translate(w, e);
	}
	if (event.kind != FILE_EVENT_NONE)
		return event;
	if (w->op.result >= 0 || w->op.result == -EINTR || w->op.result == -EAGAIN)
		submit_read(w);
	return event;
}
