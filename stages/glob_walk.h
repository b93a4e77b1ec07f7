/* glob_walk.h - finds what a pattern matches: a walk of the tree by asynchronous operations, one at a time.
 *
 *   walk.waiting: directories to come        current directory
 *   /var/log/app -> /var/log/db              /var/log: [ nginx/  syslog  x.log ... ]
 *                                                              ^ next entry
 *
 *   NEXT DIRECTORY -> (watch it) -> list it -> its entries -> NEXT DIRECTORY ... -> DONE
 *                                                |  ^
 *                                                v  |
 *                                   stat: a link, or an entry of unknown type, that may be a directory to enter
 *
 * The watch is in place before the listing is taken, so that no name can slip between the two.
 *
 * Threads: the owner's. Memory: one listing and the paths of the directories still to come. Layer: stages. */
#pragma once

#include "stages/glob.h"
#include "stages/io.h"

#include <dirent.h>

enum walk_kind {
	WALK_WAIT, /* an operation is under way */
	WALK_DONE, /* nothing is left, or nothing was started */
	WALK_FILE, /* path matches; type: DT_REG, DT_LNK, ... or DT_UNKNOWN; never DT_DIR below a wildcard */
	WALK_DIRECTORY,  /* path is being watched; descriptor */
	WALK_UNREADABLE, /* path, a directory, could not be listed; error */
	WALK_UNWATCHED,  /* path, a directory, could not be watched, but will be listed; error */
};

struct walk_item {
	enum walk_kind kind;
	const char *path; /* until the next call */
	unsigned char type;
	int descriptor;
	int error; /* -errno */
};

struct walk_directory;

struct glob_walk {
	struct io *io;
	int watcher; /* an inotify descriptor; -1: do not watch */
	uint32_t watch_mask;

	const struct glob *glob; /* NULL: nothing is under way */
	struct walk_directory *waiting, *current;
	struct io_listing listing;
	size_t next_entry;
	enum {
		WALK_AT_DIRECTORY,
		WALK_AT_WATCH,
		WALK_AT_LISTING,
		WALK_AT_ENTRIES,
		WALK_AT_STAT,
		WALK_AT_LITERAL,
		WALK_AT_END, /* of the current directory */
	} at;
	char *path; /* of the entry at hand */
	struct io_op op;
	struct io_status stat;
	int out_of_memory; /* -ENOMEM: the walk is incomplete */
};

/* watcher -1: without watching. */
void glob_walk_init(struct glob_walk *w, struct io *io, int watcher, uint32_t watch_mask);

/* No operation of its may be under way. */
void glob_walk_release(struct glob_walk *w);

/* Begins a walk for g, which must outlive it: of all that may match, or of the directory `from` and what is below.
 * A literal pattern's path is given without looking whether it is there. 0 or -ENOMEM. */
int glob_walk_start(struct glob_walk *w, const struct glob *g, const char *from);

/* The next thing found. Never blocks. */
struct walk_item glob_walk_next(struct glob_walk *w);

/* Joins directory and name: "." and "a" are "a". NULL: out of memory. The caller frees it. */
char *path_join(const char *directory, const char *name);
