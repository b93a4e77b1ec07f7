/* sim_fs.h - a file system in memory that forgets, at a crash, whatever it was not asked to keep.
 *
 *   now       what open(), read() and stat() see
 *   durable   what surely is there after a crash
 *   changes   between the two, oldest first: each is kept, lost or (a write) torn by itself
 *
 * What fsync(2) promises and no more: of a file its bytes and length (also fdatasync), of a directory its names. A new
 * file's fsync does not promise its name. After a failed fsync of a file nothing that it should have kept is sure any
 * more, whatever a later one says. Beneath a `sound` directory everything is durable at once; beneath a `limited` one bytes
 * count towards the capacity.
 *
 * All calls return what the system call would: >= 0, or -errno. Paths are absolute, or begin at an open directory;
 * there is no `..`. Inode numbers are used again, birth times are not.
 *
 * Threads: one. Memory: its own, until sim_fs_release(). Layer: tests. */
#pragma once

#include "tests/sim/sim_random.h"

#include "stages/io.h"

#include <stddef.h>
#include <sys/inotify.h>
#include <sys/types.h>
#include <sys/uio.h>

struct sim_inode;
struct sim_watcher;
struct sim_buried;

struct sim_descriptor {
	struct sim_inode *inode; /* NULL: closed, or an inotify descriptor */
	struct sim_watcher *watcher;
	int flags;
	bool of_process; /* opened by the program under test */
};

enum { SIM_DESCRIPTORS_MAX = 256, SIM_WATCHERS_MAX = 8 };

struct sim_fs {
	struct sim_random random;
	const int64_t *wall_ns; /* the clock that stamps files */
	struct sim_inode *root, *all;
	struct sim_descriptor descriptors[SIM_DESCRIPTORS_MAX];
	struct sim_watcher *watchers[SIM_WATCHERS_MAX];
	struct sim_buried *buried;
	uint64_t capacity, used; /* bytes, beneath limited directories */
	uint64_t births;
	ino_t free_numbers[64], next_number;
	size_t free_count;
	uint32_t cookies;
	unsigned lose_events; /* per mille: a watcher's queue overflows */
	bool birthless;       /* stat tells no birth time */
	bool remembers; /* keeps what a crash needs; off, there are no crashes and it is faster */
};

struct sim_entry {
	char *name;
	struct sim_inode *inode;
};

/* wall_ns outlives the file system. */
void sim_fs_init(struct sim_fs *fs, uint64_t seed, const int64_t *wall_ns, bool remembers);
void sim_fs_release(struct sim_fs *fs);

/* A new directory, durable at once. */
void sim_fs_mount(struct sim_fs *fs, const char *path, bool sound, bool limited);

/* Everything not yet durable is kept, lost or torn; every descriptor and watch is gone. */
void sim_fs_crash(struct sim_fs *fs);

/* The program under test is killed: its descriptors and watches are gone, and nothing else. */
void sim_fs_kill(struct sim_fs *fs);
/* From here on it is the program's. */
void sim_fs_hand_over(struct sim_fs *fs, int fd);

int sim_fs_open(struct sim_fs *fs, int directory, const char *path, int flags, uint64_t resolve);
int sim_fs_close(struct sim_fs *fs, int fd);
ssize_t sim_fs_read(struct sim_fs *fs, int fd, void *bytes, size_t length, uint64_t at);
/* Fewer than asked when the room is for fewer. */
ssize_t sim_fs_write(struct sim_fs *fs, int fd, const void *bytes, size_t length, uint64_t at);
int sim_fs_truncate(struct sim_fs *fs, int fd, uint64_t length);
/* fsync; of a file and fdatasync the same here. `fails`: -EIO, and what that leaves behind. */
int sim_fs_sync(struct sim_fs *fs, int fd, bool fails);
/* Nothing there is ever lost. */
bool sim_fs_is_sound(const struct sim_fs *fs, int fd);
int sim_fs_stat(struct sim_fs *fs, int fd, const char *path, struct io_status *into);
int sim_fs_rename(struct sim_fs *fs, int directory, const char *from, const char *to, bool replace);
int sim_fs_unlink(struct sim_fs *fs, int directory, const char *path);
int sim_fs_mkdir(struct sim_fs *fs, int directory, const char *path);
int sim_fs_symlink(struct sim_fs *fs, const char *target, const char *path);
/* Until the descriptor is closed; -EBUSY while another descriptor has it. */
int sim_fs_lock(struct sim_fs *fs, int fd);
/* The directory's names, in the order of their making; valid until the next change. */
int sim_fs_list(struct sim_fs *fs, int directory, const char *path, const struct sim_entry **ret,
		size_t *ret_count);
unsigned char sim_inode_type(const struct sim_inode *i); /* DT_* */

int sim_fs_watch_new(struct sim_fs *fs);
int sim_fs_watch_add(struct sim_fs *fs, int fd, const char *path, uint32_t mask);
int sim_fs_watch_remove(struct sim_fs *fs, int fd, int descriptor);
/* Whole struct inotify_events; -EAGAIN when there are none. */
ssize_t sim_fs_watch_read(struct sim_fs *fs, int fd, void *bytes, size_t length);
bool sim_fs_is_watcher(const struct sim_fs *fs, int fd);
bool sim_fs_has_events(const struct sim_fs *fs, int fd);
size_t sim_fs_open_count(const struct sim_fs *fs);

/* For those who check: a file's bytes as they are now, in the order of their births. */
struct sim_file {
	char path[256];
	const uint8_t *bytes;
	size_t length;
	uint64_t birth;
};
/* The file is about to be deleted, by right: sim_fs_files() goes on giving it as it is now, unless it comes back. */
void sim_fs_bury(struct sim_fs *fs, int directory, const char *path);
/* All regular files beneath the directory, by birth; the array is the caller's, what it points to is not. */
struct sim_file *sim_fs_files(struct sim_fs *fs, const char *directory, size_t *ret_count);
