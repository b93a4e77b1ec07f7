#include "tests/sim/sim_inode.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS_MAX = 8, FIRST_DESCRIPTOR = 3, FIRST_NUMBER = 100, DEVICE = 7 };

void *sim_alloc(size_t bytes)
{
	void *p = calloc(1, bytes);
	if (!p)
		abort();
	return p;
}

char *sim_strdup(const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		abort();
	return copy;
}

/* ---- bytes and names ---- */

void sim_bytes_set_length(struct sim_bytes *b, size_t length)
{
	if (length > b->room) {
		b->room = length * 2 > 256 ? length * 2 : 256;
		b->at = realloc(b->at, b->room);
		if (!b->at)
			abort();
	}
	if (length > b->length)
		memset(b->at + b->length, 0, length - b->length);
	b->length = length;
}

void sim_bytes_put(struct sim_bytes *b, uint64_t at, const void *bytes, size_t length)
{
	if (at + length > b->length)
		sim_bytes_set_length(b, at + length);
	if (length > 0)
		memcpy(b->at + at, bytes, length);
}

void sim_bytes_append(struct sim_bytes *b, const void *bytes, size_t length)
{
	sim_bytes_put(b, b->length, bytes, length);
}

static size_t names_index(const struct sim_names *n, const char *name)
{
	size_t i = 0;
	while (i < n->count && strcmp(n->entries[i].name, name) != 0)
		i++;
	return i;
}

struct sim_inode *sim_names_find(const struct sim_names *n, const char *name)
{
	size_t i = names_index(n, name);
	return i < n->count ? n->entries[i].inode : NULL;
}

void sim_names_set(struct sim_names *n, const char *name, struct sim_inode *inode)
{
	size_t i = names_index(n, name);
	if (i < n->count) {
		n->entries[i].inode = inode;
		return;
	}
	if (n->count == n->room) {
		n->room = n->room ? n->room * 2 : 8;
		n->entries = reallocarray(n->entries, n->room, sizeof *n->entries);
		if (!n->entries)
			abort();
	}
	n->entries[n->count++] = (struct sim_entry){.name = sim_strdup(name), .inode = inode};
}

void sim_names_remove(struct sim_names *n, const char *name)
{
	size_t i = names_index(n, name);
	if (i == n->count)
		return;
	free(n->entries[i].name);
	n->count--;
	memmove(&n->entries[i], &n->entries[i + 1], (n->count - i) * sizeof *n->entries);
}

void sim_names_clear(struct sim_names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->entries[i].name);
	free(n->entries);
	*n = (struct sim_names){.count = 0};
}

/* ---- inodes ---- */

static ino_t new_number(struct sim_fs *fs)
{
	if (fs->free_count > 0 && sim_chance(&fs->random, 700))
		return fs->free_numbers[--fs->free_count];
	return fs->next_number++;
}

static struct sim_inode *new_inode(struct sim_fs *fs, mode_t mode, const struct sim_inode *parent)
{
	struct sim_inode *i = sim_alloc(sizeof *i);
	i->number = new_number(fs);
	i->mode = mode;
	i->birth = ++fs->births;
	i->modified_ns = *fs->wall_ns;
	i->locked_by = -1;
	i->last_change = &i->changes;
	i->last_name_change = &i->name_changes;
	i->sound = parent && parent->sound;
	i->limited = parent && parent->limited;
	i->next = fs->all;
	if (fs->all)
		fs->all->prev = i;
	fs->all = i;
	return i;
}

static void free_inode(struct sim_fs *fs, struct sim_inode *i)
{
	sim_watch_forget(fs, i);
	sim_forget_changes(fs, i);
	if (i->prev)
		i->prev->next = i->next;
	else
		fs->all = i->next;
	if (i->next)
		i->next->prev = i->prev;
	if (fs->free_count < sizeof fs->free_numbers / sizeof *fs->free_numbers)
		fs->free_numbers[fs->free_count++] = i->number;
	sim_names_clear(&i->names);
	sim_names_clear(&i->durable_names);
	free(i->now.at);
	free(i->durable.at);
	free(i->target);
	free(i->name);
	free(i);
}

static void set_length(struct sim_fs *fs, struct sim_inode *i, size_t length)
{
	if (i->limited)
		fs->used += length - i->now.length; /* wraps back when it shrinks */
	sim_bytes_set_length(&i->now, length);
}

void sim_inode_drop_if_unused(struct sim_fs *fs, struct sim_inode *i)
{
	if (i->links > 0 || i->opens > 0 || i == fs->root)
		return;
	if (i->holds > 0) { /* a crash may bring it back: its bytes then */
		if (i->limited)
			fs->used -= i->now.length;
		i->limited = false;
		return;
	}
	set_length(fs, i, 0);
	free_inode(fs, i);
}

static void give_name(struct sim_inode *directory, const char *name, struct sim_inode *i)
{
	sim_names_set(&directory->names, name, i);
	free(i->name);
	i->name = sim_strdup(name);
	i->parent = directory;
	i->links++;
}

static void take_name(struct sim_inode *directory, const char *name, struct sim_inode *i)
{
	sim_names_remove(&directory->names, name);
	i->links--;
	if (i->links == 0)
		i->parent = NULL;
}

/* ---- paths ---- */

static struct sim_inode *base_of(struct sim_fs *fs, int directory, const char *path, int *ret_error)
{
	if (path[0] == '/' || directory == AT_FDCWD)
		return fs->root;
	bool in_range = directory >= 0 && directory < SIM_DESCRIPTORS_MAX;
	struct sim_inode *base = in_range ? fs->descriptors[directory].inode : NULL;
	if (!base)
		*ret_error = -EBADF;
	return base;
}

/* The directory that a path's last name stands in, and that name. */
static struct sim_inode *walk(struct sim_fs *fs, int directory, const char *path, uint64_t resolve,
			      char name[256], int *ret_error)
{
	struct sim_inode *at = base_of(fs, directory, path, ret_error);
	if (path[0] == '/' && resolve & RESOLVE_BENEATH)
		at = NULL, *ret_error = -EXDEV;
	snprintf(name, 256, ".");
	path += strspn(path, "/");
	while (at && *path) {
		size_t length = strcspn(path, "/");
		snprintf(name, 256, "%.*s", (int)length, path);
		path += length;
		path += strspn(path, "/");
		if (!*path)
			break;
		*ret_error = -ENOENT;
		at = strcmp(name, ".") == 0 ? at : sim_names_find(&at->names, name);
		if (at && S_ISLNK(at->mode)) {
			*ret_error = -ELOOP;
			at = resolve & RESOLVE_NO_SYMLINKS
				 ? NULL
				 : sim_lookup(fs, AT_FDCWD, at->target, resolve, ret_error);
		}
		if (at && !S_ISDIR(at->mode))
			at = NULL, *ret_error = -ENOTDIR;
	}
	return at;
}

struct sim_inode *sim_lookup(struct sim_fs *fs, int directory, const char *path, uint64_t resolve,
			     int *ret_error)
{
	char name[256];
	for (int links = 0; links < LINKS_MAX; links++) {
		struct sim_inode *parent = walk(fs, directory, path, resolve, name, ret_error);
		if (!parent)
			return NULL;
		struct sim_inode *i =
		    strcmp(name, ".") == 0 ? parent : sim_names_find(&parent->names, name);
		*ret_error = -ENOENT;
		if (!i || !S_ISLNK(i->mode))
			return i;
		if (resolve & RESOLVE_NO_SYMLINKS)
			break;
		path = i->target;
		directory = AT_FDCWD;
	}
	*ret_error = -ELOOP;
	return NULL;
}

/* ---- descriptors ---- */

static int new_descriptor(struct sim_fs *fs)
{
	for (int fd = FIRST_DESCRIPTOR; fd < SIM_DESCRIPTORS_MAX; fd++)
		if (!fs->descriptors[fd].inode && !fs->descriptors[fd].watcher)
			return fd;
	return -EMFILE;
}

static struct sim_inode *opened(const struct sim_fs *fs, int fd)
{
	return fd >= 0 && fd < SIM_DESCRIPTORS_MAX ? fs->descriptors[fd].inode : NULL;
}

static int make(struct sim_fs *fs, int directory, const char *path, mode_t mode, uint64_t resolve,
		struct sim_inode **ret_inode)
{
	char name[256];
	int error = -ENOENT;
	struct sim_inode *parent = walk(fs, directory, path, resolve, name, &error);
	if (!parent)
		return error;
	if (parent->limited && fs->used >= fs->capacity)
		return -ENOSPC;
	struct sim_inode *i = new_inode(fs, mode, parent);
	give_name(parent, name, i);
	sim_note_name(fs, parent, NULL, name, i);
	sim_watch_tell_name(fs, parent, name, IN_CREATE | (S_ISDIR(mode) ? IN_ISDIR : 0), 0);
	*ret_inode = i;
	return 0;
}

int sim_fs_open(struct sim_fs *fs, int directory, const char *path, int flags, uint64_t resolve)
{
	int error = -ENOENT, fd = new_descriptor(fs);
	struct sim_inode *i = sim_lookup(fs, directory, path, resolve, &error);
	if (fd < 0)
		return fd;
	if (i && flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (!i && error == -ENOENT && flags & O_CREAT)
		error = make(fs, directory, path, S_IFREG, resolve, &i);
	if (!i)
		return error;
	if (flags & O_DIRECTORY && !S_ISDIR(i->mode))
		return -ENOTDIR;
	if (S_ISDIR(i->mode) && (flags & O_ACCMODE) != O_RDONLY)
		return -EISDIR;
	fs->descriptors[fd] = (struct sim_descriptor){.inode = i, .flags = flags};
	i->opens++;
	if (flags & O_TRUNC && S_ISREG(i->mode))
		sim_fs_truncate(fs, fd, 0);
	return fd;
}

int sim_fs_close(struct sim_fs *fs, int fd)
{
	if (fd < 0 || fd >= SIM_DESCRIPTORS_MAX)
		return -EBADF;
	struct sim_descriptor d = fs->descriptors[fd];
	if (!d.inode && !d.watcher)
		return -EBADF;
	fs->descriptors[fd] = (struct sim_descriptor){.inode = NULL};
	if (d.watcher) {
		for (size_t w = 0; w < SIM_WATCHERS_MAX; w++)
			if (fs->watchers[w] == d.watcher)
				fs->watchers[w] = NULL;
		sim_watcher_free(d.watcher);
		return 0;
	}
	if (d.inode->locked_by == fd)
		d.inode->locked_by = -1;
	d.inode->opens--;
	sim_inode_drop_if_unused(fs, d.inode);
	return 0;
}

void sim_fs_hand_over(struct sim_fs *fs, int fd)
{
	if (fd >= 0)
		fs->descriptors[fd].of_process = true;
}

void sim_fs_kill(struct sim_fs *fs)
{
	for (int fd = 0; fd < SIM_DESCRIPTORS_MAX; fd++)
		if (fs->descriptors[fd].of_process)
			sim_fs_close(fs, fd);
}

size_t sim_fs_open_count(const struct sim_fs *fs)
{
	size_t n = 0;
	for (int fd = 0; fd < SIM_DESCRIPTORS_MAX; fd++)
		n += fs->descriptors[fd].inode || fs->descriptors[fd].watcher;
	return n;
}

int sim_fs_lock(struct sim_fs *fs, int fd)
{
	struct sim_inode *i = opened(fs, fd);
	if (!i)
		return -EBADF;
	if (i->locked_by >= 0 && i->locked_by != fd)
		return -EBUSY;
	i->locked_by = fd;
	return 0;
}

/* ---- files ---- */

ssize_t sim_fs_read(struct sim_fs *fs, int fd, void *bytes, size_t length, uint64_t at)
{
	const struct sim_inode *i = opened(fs, fd);
	if (!i)
		return -EBADF;
	if (!S_ISREG(i->mode))
		return -EISDIR;
	if (at >= i->now.length)
		return 0;
	if (length > i->now.length - at)
		length = i->now.length - at;
	memcpy(bytes, i->now.at + at, length);
	return (ssize_t)length;
}

ssize_t sim_fs_write(struct sim_fs *fs, int fd, const void *bytes, size_t length, uint64_t at)
{
	struct sim_inode *i = opened(fs, fd);
	if (!i || (fs->descriptors[fd].flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (i->limited && at + length > i->now.length) {
		uint64_t room = fs->capacity > fs->used ? fs->capacity - fs->used : 0;
		if (at + length > i->now.length + room) {
			if (at >= i->now.length + room)
				return -ENOSPC;
			length = i->now.length + room - at;
		}
	}
	if (at + length > i->now.length)
		set_length(fs, i, at + length);
	if (length > 0)
		memcpy(i->now.at + at, bytes, length);
	i->modified_ns = *fs->wall_ns;
	sim_note_write(fs, i, at, bytes, length);
	sim_watch_tell(fs, i, IN_MODIFY);
	return (ssize_t)length;
}

int sim_fs_truncate(struct sim_fs *fs, int fd, uint64_t length)
{
	struct sim_inode *i = opened(fs, fd);
	if (!i)
		return -EBADF;
	set_length(fs, i, length);
	i->modified_ns = *fs->wall_ns;
	sim_note_length(fs, i, length);
	sim_watch_tell(fs, i, IN_MODIFY);
	return 0;
}

int sim_fs_sync(struct sim_fs *fs, int fd, bool fails)
{
	struct sim_inode *i = opened(fs, fd);
	if (!i)
		return -EBADF;
	sim_make_durable(fs, i, fails);
	return fails ? -EIO : 0;
}

bool sim_fs_is_sound(const struct sim_fs *fs, int fd)
{
	const struct sim_inode *i = fs->descriptors[fd].inode;
	return i && i->sound;
}

int sim_fs_stat(struct sim_fs *fs, int fd, const char *path, struct io_status *into)
{
	int error = -EBADF;
	const struct sim_inode *i = path ? sim_lookup(fs, fd, path, 0, &error) : opened(fs, fd);
	if (!i)
		return error;
	*into = (struct io_status){.device = DEVICE,
				   .inode = i->number,
				   .mode = i->mode | (S_ISDIR(i->mode) ? 0755 : 0644),
				   .links = i->links,
				   .size = i->now.length,
				   .birth_ns = fs->birthless ? 0 : (int64_t)i->birth,
				   .modified_ns = i->modified_ns};
	return 0;
}

/* ---- names ---- */

int sim_fs_unlink(struct sim_fs *fs, int directory, const char *path)
{
	char name[256];
	int error = -ENOENT;
	struct sim_inode *parent = walk(fs, directory, path, 0, name, &error);
	struct sim_inode *i = parent ? sim_names_find(&parent->names, name) : NULL;
	if (!i)
		return error;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	sim_note_name(fs, parent, name, NULL, i);
	take_name(parent, name, i);
	sim_watch_tell(fs, i, IN_ATTRIB);
	sim_watch_tell_name(fs, parent, name, IN_DELETE, 0);
	sim_inode_drop_if_unused(fs, i);
	return 0;
}

static void displace(struct sim_fs *fs, struct sim_inode *parent, const char *name)
{
	struct sim_inode *other = sim_names_find(&parent->names, name);
	if (!other)
		return;
	sim_note_name(fs, parent, name, NULL, other);
	take_name(parent, name, other);
	sim_watch_tell(fs, other, IN_ATTRIB);
	sim_inode_drop_if_unused(fs, other);
}

int sim_fs_rename(struct sim_fs *fs, int directory, const char *from, const char *to, bool replace)
{
	char name[256], new_name[256];
	int error = -ENOENT;
	struct sim_inode *parent = walk(fs, directory, from, 0, name, &error);
	struct sim_inode *target = parent ? walk(fs, directory, to, 0, new_name, &error) : NULL;
	struct sim_inode *i = target ? sim_names_find(&parent->names, name) : NULL;
	if (!i)
		return error;
	if (parent != target)
		return -EXDEV; /* nobody here moves a file from one directory to another */
	if (sim_names_find(&parent->names, new_name) && !replace)
		return -EEXIST;
	if (strcmp(name, new_name) == 0)
		return 0;
	displace(fs, parent, new_name);
	sim_note_name(fs, parent, name, new_name, i);
	take_name(parent, name, i);
	give_name(parent, new_name, i);
	uint32_t cookie = ++fs->cookies, is_dir = S_ISDIR(i->mode) ? IN_ISDIR : 0;
	sim_watch_tell_name(fs, parent, name, IN_MOVED_FROM | is_dir, cookie);
	sim_watch_tell_name(fs, parent, new_name, IN_MOVED_TO | is_dir, cookie);
	return 0;
}

int sim_fs_mkdir(struct sim_fs *fs, int directory, const char *path)
{
	struct sim_inode *i;
	int error = -ENOENT;
	if (sim_lookup(fs, directory, path, 0, &error))
		return -EEXIST;
	return make(fs, directory, path, S_IFDIR, 0, &i);
}

int sim_fs_symlink(struct sim_fs *fs, const char *target, const char *path)
{
	struct sim_inode *i;
	int r = make(fs, AT_FDCWD, path, S_IFLNK, 0, &i);
	if (r == 0)
		i->target = sim_strdup(target);
	return r;
}

unsigned char sim_inode_type(const struct sim_inode *i)
{
	return S_ISDIR(i->mode) ? DT_DIR : S_ISLNK(i->mode) ? DT_LNK : DT_REG;
}

int sim_fs_list(struct sim_fs *fs, int directory, const char *path, const struct sim_entry **ret,
		size_t *ret_count)
{
	int error = -ENOENT;
	const struct sim_inode *i = sim_lookup(fs, directory, path, 0, &error);
	if (!i || !S_ISDIR(i->mode))
		return i ? -ENOTDIR : error;
	*ret = i->names.entries;
	*ret_count = i->names.count;
	return 0;
}

/* ---- the whole ---- */

void sim_fs_init(struct sim_fs *fs, uint64_t seed, const int64_t *wall_ns, bool remembers)
{
	*fs = (struct sim_fs){.random = {.state = seed},
			      .wall_ns = wall_ns,
			      .capacity = UINT64_MAX,
			      .next_number = FIRST_NUMBER,
			      .remembers = remembers};
	fs->root = new_inode(fs, S_IFDIR, NULL);
}

void sim_fs_release(struct sim_fs *fs)
{
	sim_files_forget(fs);
	for (int fd = 0; fd < SIM_DESCRIPTORS_MAX; fd++)
		if (fs->descriptors[fd].inode || fs->descriptors[fd].watcher)
			sim_fs_close(fs, fd);
	for (struct sim_inode *i = fs->all; i; i = i->next) /* which hold one another */
		sim_forget_changes(fs, i);
	while (fs->all)
		free_inode(fs, fs->all);
}

void sim_fs_mount(struct sim_fs *fs, const char *path, bool sound, bool limited)
{
	struct sim_inode *i = NULL;
	int r = make(fs, AT_FDCWD, path, S_IFDIR, 0, &i);
	assert(r == 0 && i);
	(void)r;
	sim_make_durable(fs, i->parent, false);
	i->sound = sound;
	i->limited = limited;
}
