/* crash_disk.h - what of a directory tree is on disk, and what is lost when the power goes.
 *
 * Told of every operation that was carried out, it knows what each sync has made durable: of a file its content, of a
 * directory its names. Every inode that was ever there is kept by a link of its own, so that names can come back.
 *
 * Threads: the test's. Memory: the caller's. */
#pragma once

#include "stages/io.h"

#include <stdint.h>

enum { CRASH_FILES_MAX = 512, CRASH_NAMES_MAX = 64, CRASH_DIRECTORIES_MAX = 32 };

enum crash_fate {
	CRASH_KEPT,  /* only the process ended */
	CRASH_LOST,  /* all that was not synced */
	CRASH_MIXED, /* of each file and each directory some */
	CRASH_FATES,
};

struct crash_file {
	ino_t inode;
	uint8_t *bytes;
	size_t length;
};

struct crash_directory {
	char path[128];
	ino_t inode;
	size_t count;
	struct {
		char name[64];
		ino_t inode;
		bool directory;
	} names[CRASH_NAMES_MAX];
};

struct crash_disk {
	char root[64], kept[80];
	struct crash_file files[CRASH_FILES_MAX];
	size_t file_count;
	struct crash_directory directories[CRASH_DIRECTORIES_MAX];
	size_t directory_count;
	uint64_t random;
};

/* An empty tree with these two directories in it, durable. */
void crash_disk_init(struct crash_disk *d, const char *first, const char *second);
void crash_disk_release(struct crash_disk *d);

void crash_disk_see(struct crash_disk *d, const struct io_op *op);

/* All that was written is durable. */
void crash_disk_settle(struct crash_disk *d);

/* Nothing is open any more. */
void crash_disk_crash(struct crash_disk *d, enum crash_fate fate);
