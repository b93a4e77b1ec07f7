#include "tests/unit/stages/crash_disk.h"
#include "tests/unit/stages/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Aborts when it does not hold, and says where. */
static void need_at(bool holds, int line)
{
	if (holds)
		return;
	fprintf(stderr, "crash_disk.c:%d: %s\n", line, strerror(errno));
	abort();
}
#define need(holds) need_at(holds, __LINE__)

static uint64_t random_below(struct crash_disk *d, uint64_t below)
{
	d->random = d->random * 6364136223846793005u + 1442695040888963407u;
	return (d->random >> 33) % below;
}

static void kept_path(const struct crash_disk *d, ino_t inode, char out[128])
{
	snprintf(out, 128, "%s/%lu", d->kept, (unsigned long)inode);
}

static struct crash_file *file_of(struct crash_disk *d, ino_t inode)
{
	for (size_t i = 0; i < d->file_count; i++)
		if (d->files[i].inode == inode)
			return &d->files[i];
	need(d->file_count < CRASH_FILES_MAX);
	struct crash_file *f = &d->files[d->file_count++];
	*f = (struct crash_file){.inode = inode};
	return f;
}

static uint8_t *read_all(const char *path, size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	need(fd >= 0 && fstat(fd, &status) == 0);
	uint8_t *bytes = malloc((size_t)status.st_size + 1);
	need(bytes && read(fd, bytes, (size_t)status.st_size) == status.st_size);
	close(fd);
	*ret_length = (size_t)status.st_size;
	return bytes;
}

static void snapshot_file(struct crash_disk *d, ino_t inode)
{
	char path[128];
	struct crash_file *f = file_of(d, inode);
	free(f->bytes);
	kept_path(d, inode, path);
	f->bytes = read_all(path, &f->length);
}

static void list(struct crash_directory *l)
{
	DIR *dir = opendir(l->path);
	l->count = 0;
	for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		need(l->count < CRASH_NAMES_MAX);
		snprintf(l->names[l->count].name, sizeof l->names[0].name, "%.63s", e->d_name);
		l->names[l->count].inode = e->d_ino;
		l->names[l->count++].directory = e->d_type == DT_DIR;
	}
	if (dir)
		closedir(dir);
}

static struct crash_directory *directory_of(struct crash_disk *d, ino_t inode)
{
	for (size_t i = 0; i < d->directory_count; i++)
		if (d->directories[i].inode == inode)
			return &d->directories[i];
	return NULL;
}

static struct crash_directory *add_directory(struct crash_disk *d, const char *path)
{
	struct stat status;
	need(stat(path, &status) == 0);
	struct crash_directory *l = directory_of(d, status.st_ino);
	if (!l) {
		need(d->directory_count < CRASH_DIRECTORIES_MAX);
		l = &d->directories[d->directory_count++];
	}
	*l = (struct crash_directory){.inode = status.st_ino};
	snprintf(l->path, sizeof l->path, "%s", path);
	return l;
}

void crash_disk_init(struct crash_disk *d, const char *first, const char *second)
{
	char path[128];
	memset(d, 0, sizeof *d);
	d->random = 1;
	scratch_make(d->root, "test");
	snprintf(d->kept, sizeof d->kept, "%s/kept", d->root);
	need(mkdir(d->kept, 0700) == 0);
	const char *const names[] = {first, second};
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", d->root, names[i]);
		need(mkdir(path, 0700) == 0);
		add_directory(d, path);
	}
}

void crash_disk_release(struct crash_disk *d)
{
	for (size_t i = 0; i < d->file_count; i++)
		free(d->files[i].bytes);
	scratch_remove(d->root);
}

/* A new inode gets its link. */
static void keep(struct crash_disk *d, int fd, ino_t inode)
{
	char from[64], to[128];
	kept_path(d, inode, to);
	if (access(to, F_OK) == 0)
		return;
	file_of(d, inode);
	snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
	need(linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0);
}

static void see_opened(struct crash_disk *d, int fd)
{
	struct stat status;
	need(fstat(fd, &status) == 0);
	if (S_ISREG(status.st_mode))
		keep(d, fd, status.st_ino);
	if (S_ISDIR(status.st_mode)) {
		char link[64], path[128] = "";
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		need(readlink(link, path, sizeof path - 1) > 0);
		const struct crash_directory *l = directory_of(d, status.st_ino);
		if (!l || strcmp(l->path, path) != 0)
			add_directory(d, path);
	}
}

void crash_disk_see(struct crash_disk *d, const struct io_op *op)
{
	struct stat status;
	if (op->result < 0)
		return;
	if (op->code == IO_OPEN)
		see_opened(d, (int)op->result);
	if ((op->code != IO_DATASYNC && op->code != IO_SYNC) || fstat(op->fd, &status) != 0)
		return;
	if (S_ISDIR(status.st_mode))
		list(directory_of(d, status.st_ino));
	else
		snapshot_file(d, status.st_ino);
}

void crash_disk_settle(struct crash_disk *d)
{
	for (size_t i = 0; i < d->file_count; i++)
		snapshot_file(d, d->files[i].inode);
	for (size_t i = 0; i < d->directory_count; i++)
		list(&d->directories[i]);
}

/* Content that was not synced: as it was, as it is, or a part of what came, maybe as zeros. */
static void befall_file(struct crash_disk *d, struct crash_file *f, enum crash_fate fate)
{
	char path[128];
	size_t length;
	kept_path(d, f->inode, path);
	uint8_t *now = read_all(path, &length);
	bool grew = length > f->length;
	uint64_t chance = fate == CRASH_LOST ? 0 : random_below(d, 4);
	size_t to = f->length;
	if (chance > 0 && grew)
		to += random_below(d, length - f->length + 1);
	if (chance == 1)
		to = length;
	bool from_now = chance > 0 && (grew || chance == 1);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	need(fd >= 0);
	size_t common = to < f->length ? to : f->length;
	const uint8_t *bytes = from_now && to <= length ? now : f->bytes;
	if (from_now && chance == 3)
		memset(now + common, 0, to - common);
	need(to == 0 || write(fd, bytes, to) == (ssize_t)to);
	close(fd);
	free(now);
}

static void remove_name(const struct crash_directory *l, const char *name)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", l->path, name);
	if (unlink(path) != 0)
		scratch_remove(path);
}

static bool has(const struct crash_directory *l, const char *name, ino_t inode)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->names[i].inode == inode && strcmp(l->names[i].name, name) == 0)
			return true;
	return false;
}

static bool has_inode(const struct crash_directory *l, ino_t inode)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->names[i].inode == inode)
			return true;
	return false;
}

static void restore_name(struct crash_disk *d, const struct crash_directory *l, size_t i)
{
	char from[128], to[256];
	need(!l->names[i].directory);
	kept_path(d, l->names[i].inode, from);
	snprintf(to, sizeof to, "%s/%s", l->path, l->names[i].name);
	need(link(from, to) == 0 || errno == EEXIST);
}

static bool strikes(struct crash_disk *d, enum crash_fate fate)
{
	return fate == CRASH_LOST || random_below(d, 2);
}

/* Each name for itself, in no order. A file that was renamed keeps one of its names, unless both are another's or lost
 * with the directory. */
static void befall_directory(struct crash_disk *d, const struct crash_directory *l,
			     enum crash_fate fate)
{
	struct crash_directory now = *l;
	if (access(l->path, F_OK) != 0)
		return; /* its name was lost */
	list(&now);
	for (size_t i = 0; i < now.count; i++)
		if (!has(l, now.names[i].name, now.names[i].inode) && strikes(d, fate))
			remove_name(l, now.names[i].name);
	for (size_t i = 0; i < l->count; i++)
		if (!has(&now, l->names[i].name, l->names[i].inode) && strikes(d, fate))
			restore_name(d, l, i);
	struct crash_directory left = *l;
	list(&left);
	for (size_t i = 0; i < l->count; i++)
		if (has_inode(&now, l->names[i].inode) && !has_inode(&left, l->names[i].inode))
			restore_name(d, l, i);
}

void crash_disk_crash(struct crash_disk *d, enum crash_fate fate)
{
	for (size_t i = 0; fate != CRASH_KEPT && i < d->file_count; i++)
		befall_file(d, &d->files[i], fate);
	for (size_t i = 0; fate != CRASH_KEPT && i < d->directory_count; i++)
		befall_directory(d, &d->directories[i], fate);
	if (fate != CRASH_KEPT)
		crash_disk_settle(d);
}
