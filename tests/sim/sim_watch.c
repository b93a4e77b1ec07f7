/* sim_watch.c - inotify(7) of a simulated file system.
 * Layer: tests. */
#include "tests/sim/sim_inode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 512, NAME_ROOM = 64 };

struct event {
	int descriptor;
	uint32_t mask, cookie;
	char name[NAME_ROOM];
};

struct watch {
	int descriptor;
	uint32_t mask;
	struct sim_inode *inode;
};

struct sim_watcher {
	struct watch *watches;
	size_t watch_count;
	int next_descriptor;
	struct event events[EVENTS_MAX];
	size_t first, count;
};

static struct event *event_at(struct sim_watcher *w, size_t i)
{
	return &w->events[(w->first + i) % EVENTS_MAX];
}

static bool is_same(const struct event *a, const struct event *b)
{
	return a->descriptor == b->descriptor && a->mask == b->mask && a->cookie == b->cookie &&
	       strcmp(a->name, b->name) == 0;
}

static void push(struct sim_fs *fs, struct sim_watcher *w, struct event e)
{
	static const struct event overflow = {.descriptor = -1, .mask = IN_Q_OVERFLOW};
	if (w->count > 0 && is_same(event_at(w, w->count - 1), &e))
		return;
	bool full = w->count + 1 == EVENTS_MAX || sim_chance(&fs->random, fs->lose_events);
	if (w->count > 0 && event_at(w, w->count - 1)->mask == IN_Q_OVERFLOW)
		return; /* until it is read from */
	*event_at(w, w->count++) = full ? overflow : e;
}

static void tell(struct sim_fs *fs, const struct sim_inode *about, const char *name, uint32_t mask,
		 uint32_t cookie)
{
	for (size_t i = 0; i < SIM_WATCHERS_MAX; i++) {
		struct sim_watcher *w = fs->watchers[i];
		for (size_t n = 0; w && n < w->watch_count; n++) {
			if (w->watches[n].inode != about || !(w->watches[n].mask & mask))
				continue;
			struct event e = {
			    .descriptor = w->watches[n].descriptor, .mask = mask, .cookie = cookie};
			if (name)
				strncpy(e.name, name, NAME_ROOM - 1);
			push(fs, w, e);
		}
	}
}

void sim_watch_tell(struct sim_fs *fs, struct sim_inode *i, uint32_t mask)
{
	tell(fs, i, NULL, mask, 0);
	if (i->parent)
		tell(fs, i->parent, i->name, mask, 0);
}

void sim_watch_tell_name(struct sim_fs *fs, struct sim_inode *directory, const char *name,
			 uint32_t mask, uint32_t cookie)
{
	tell(fs, directory, name, mask, cookie);
}

static void remove_watch(struct sim_fs *fs, struct sim_watcher *w, size_t n)
{
	push(fs, w, (struct event){.descriptor = w->watches[n].descriptor, .mask = IN_IGNORED});
	w->watches[n] = w->watches[--w->watch_count];
}

void sim_watch_forget(struct sim_fs *fs, struct sim_inode *about)
{
	for (size_t i = 0; i < SIM_WATCHERS_MAX; i++) {
		struct sim_watcher *w = fs->watchers[i];
		for (size_t n = w ? w->watch_count : 0; n-- > 0;)
			if (w->watches[n].inode == about)
				remove_watch(fs, w, n);
	}
}

void sim_watcher_free(struct sim_watcher *w)
{
	free(w->watches);
	free(w);
}

int sim_fs_watch_new(struct sim_fs *fs)
{
	size_t slot = 0;
	while (slot < SIM_WATCHERS_MAX && fs->watchers[slot])
		slot++;
	int fd = 3;
	while (fd < SIM_DESCRIPTORS_MAX &&
	       (fs->descriptors[fd].inode || fs->descriptors[fd].watcher))
		fd++;
	if (slot == SIM_WATCHERS_MAX || fd == SIM_DESCRIPTORS_MAX)
		return -EMFILE;
	fs->watchers[slot] = sim_alloc(sizeof *fs->watchers[slot]);
	fs->watchers[slot]->next_descriptor = 1;
	fs->descriptors[fd] = (struct sim_descriptor){.watcher = fs->watchers[slot]};
	return fd;
}

static struct sim_watcher *watcher(const struct sim_fs *fs, int fd)
{
	return fd >= 0 && fd < SIM_DESCRIPTORS_MAX ? fs->descriptors[fd].watcher : NULL;
}

int sim_fs_watch_add(struct sim_fs *fs, int fd, const char *path, uint32_t mask)
{
	struct sim_watcher *w = watcher(fs, fd);
	int error = -ENOENT;
	struct sim_inode *i = w ? sim_lookup(fs, AT_FDCWD, path, 0, &error) : NULL;
	if (!i)
		return w ? error : -EBADF;
	if (mask & IN_ONLYDIR && !S_ISDIR(i->mode))
		return -ENOTDIR;
	for (size_t n = 0; n < w->watch_count; n++)
		if (w->watches[n].inode == i) {
			w->watches[n].mask = mask & ~(uint32_t)IN_ONLYDIR;
			return w->watches[n].descriptor;
		}
	w->watches = reallocarray(w->watches, w->watch_count + 1, sizeof *w->watches);
	if (!w->watches)
		abort();
	w->watches[w->watch_count++] = (struct watch){
	    .descriptor = w->next_descriptor, .mask = mask & ~(uint32_t)IN_ONLYDIR, .inode = i};
	return w->next_descriptor++;
}

int sim_fs_watch_remove(struct sim_fs *fs, int fd, int descriptor)
{
	struct sim_watcher *w = watcher(fs, fd);
	for (size_t n = 0; w && n < w->watch_count; n++)
		if (w->watches[n].descriptor == descriptor) {
			remove_watch(fs, w, n);
			return 0;
		}
	return w ? -EINVAL : -EBADF;
}

bool sim_fs_is_watcher(const struct sim_fs *fs, int fd)
{
	return watcher(fs, fd) != NULL;
}

bool sim_fs_has_events(const struct sim_fs *fs, int fd)
{
	const struct sim_watcher *w = watcher(fs, fd);
	return w && w->count > 0;
}

ssize_t sim_fs_watch_read(struct sim_fs *fs, int fd, void *bytes, size_t length)
{
	struct sim_watcher *w = watcher(fs, fd);
	size_t used = 0;
	if (!w)
		return -EBADF;
	if (w->count == 0)
		return -EAGAIN;
	while (w->count > 0) {
		const struct event *e = event_at(w, 0);
		size_t name = e->name[0] ? (strlen(e->name) / 16 + 1) * 16 : 0;
		struct inotify_event head = {.wd = e->descriptor,
					     .mask = e->mask,
					     .cookie = e->cookie,
					     .len = (uint32_t)name};
		if (used + sizeof head + name > length)
			break;
		memcpy((uint8_t *)bytes + used, &head, sizeof head);
		memset((uint8_t *)bytes + used + sizeof head, 0, name);
		memcpy((uint8_t *)bytes + used + sizeof head, e->name, name ? strlen(e->name) : 0);
		used += sizeof head + name;
		w->first = (w->first + 1) % EVENTS_MAX;
		w->count--;
	}
	return used > 0 ? (ssize_t)used : -EINVAL;
}
