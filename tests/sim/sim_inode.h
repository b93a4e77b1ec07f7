/* sim_inode.h - what sim_fs.c, sim_files.c, sim_crash.c and sim_watch.c share.
 * Threads: one. Memory: sim_fs's. Layer: tests. */
#pragma once

#include "tests/sim/sim_fs.h"

struct sim_bytes {
	uint8_t *at;
	size_t length, room;
};

/* Of a file: not durable yet. bytes NULL: a new length. */
struct sim_change {
	struct sim_change *next;
	uint64_t at;
	size_t length;
	uint8_t *bytes;
	bool unsure; /* an fsync failed on it: no later one can promise it */
};

/* Of a directory: not durable yet. from NULL: a new name; to NULL: a name less; both: a rename. */
struct sim_name_change {
	struct sim_name_change *next;
	char *from, *to;
	struct sim_inode *inode;
};

struct sim_names {
	struct sim_entry *entries;
	size_t count, room;
};

struct sim_inode {
	struct sim_inode *next, *prev; /* all there are */
	ino_t number;
	mode_t mode; /* S_IF* */
	uint64_t birth;
	int64_t modified_ns;
	size_t links; /* names now */
	size_t opens; /* descriptors */
	size_t holds; /* durable names, and changes of names that are not durable */
	bool sound, limited;
	int locked_by; /* descriptor; -1: nobody */

	struct sim_bytes now, durable; /* S_IFREG */
	struct sim_change *changes, **last_change;

	struct sim_names names, durable_names; /* S_IFDIR */
	struct sim_name_change *name_changes, **last_name_change;

	char *target; /* S_IFLNK */

	struct sim_inode *parent; /* of its (newest) name; NULL: it has none */
	char *name;
};

/* Allocations here do not fail: a test that has no memory ends. */
void *sim_alloc(size_t bytes);
char *sim_strdup(const char *text);

void sim_bytes_set_length(struct sim_bytes *b, size_t length); /* zeros behind the old end */
void sim_bytes_put(struct sim_bytes *b, uint64_t at, const void *bytes, size_t length);
void sim_bytes_append(struct sim_bytes *b, const void *bytes, size_t length);

struct sim_inode *sim_names_find(const struct sim_names *n, const char *name);
void sim_names_set(struct sim_names *n, const char *name, struct sim_inode *inode);
void sim_names_remove(struct sim_names *n, const char *name);
void sim_names_clear(struct sim_names *n);

/* Where a path leads; NULL and *ret_error when nowhere. */
struct sim_inode *sim_lookup(struct sim_fs *fs, int directory, const char *path, uint64_t resolve,
			     int *ret_error);
void sim_inode_drop_if_unused(struct sim_fs *fs, struct sim_inode *i);

/* sim_files.c */
/* Appends what the file holds, unpacked if its name says so. NULL, or what is wrong with it. */
const char *sim_file_read(const struct sim_file *f, struct sim_bytes *to);
void sim_files_forget(struct sim_fs *fs);

/* sim_crash.c */
void sim_note_write(struct sim_fs *fs, struct sim_inode *i, uint64_t at, const void *bytes,
		    size_t length);
void sim_note_length(struct sim_fs *fs, struct sim_inode *i, uint64_t length);
void sim_note_name(struct sim_fs *fs, struct sim_inode *directory, const char *from, const char *to,
		   struct sim_inode *inode);
void sim_make_durable(struct sim_fs *fs, struct sim_inode *i, bool fails);
void sim_forget_changes(struct sim_fs *fs, struct sim_inode *i);

/* sim_watch.c */
/* What happened to i; its directory's watchers are told as well. */
void sim_watch_tell(struct sim_fs *fs, struct sim_inode *i, uint32_t mask);
void sim_watch_tell_name(struct sim_fs *fs, struct sim_inode *directory, const char *name,
			 uint32_t mask, uint32_t cookie);
void sim_watch_forget(struct sim_fs *fs, struct sim_inode *i);
void sim_watcher_free(struct sim_watcher *w);
