/* file_watch.h - what inotify(7) says of the directories (and single files) that are watched, as paths.
 *
 *   one read of many events -> file_watch_next(), one at a time -> the next read
 *
 * Where inotify is missing or its limits are reached nothing comes from here, and file_finder's own rounds are all
 * there is.
 *
 * Threads: the owner's. Memory: a fixed buffer, and one small node for each watch. Layer: stages. */
#pragma once

#include "stages/chain.h"
#include "stages/env.h"
#include "stages/hash_index.h"

#include <limits.h>
#include <sys/inotify.h>

enum {
	FILE_WATCH_BYTES = 32 * 1024,
	FILE_WATCH_DIRECTORY = IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM |
			       IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
	FILE_WATCH_FILE = IN_MODIFY | IN_ATTRIB,
};

enum file_event_kind {
	FILE_EVENT_NONE,
	FILE_EVENT_CHANGED,        /* path was written to, or truncated */
	FILE_EVENT_ATTRIBUTES,     /* path's mode, owner or number of links changed */
	FILE_EVENT_CAME,           /* path is a new name */
	FILE_EVENT_MOVED_HERE,     /* the same, by a rename with that cookie */
	FILE_EVENT_MOVED_AWAY,     /* path is no name any more, by a rename with that cookie */
	FILE_EVENT_WENT,           /* path is no name any more */
	FILE_EVENT_DIRECTORY_CAME, /* path is a new directory */
	FILE_EVENT_LOST_TRACK, /* events were lost, or a directory went away: look at everything again */
};

struct file_event {
	enum file_event_kind kind;
	const char *path; /* until the next call */
	uint32_t cookie;
};

struct file_watch {
	struct io *io;
	int fd; /* -1: none (yet) */
	bool failed;
	struct io_op op;
	struct hash_index by_descriptor;
	struct chain all;
	size_t from, to; /* of events: not yet given */
	char path[PATH_MAX + NAME_MAX + 2];
	_Alignas(struct inotify_event) uint8_t events[FILE_WATCH_BYTES];
};

/* Submits the making of the descriptor. 0 or -ENOMEM. */
int file_watch_init(struct file_watch *w, struct io *io);
/* No operation may be under way. A watch of all zeros is safe to release. */
void file_watch_release(struct file_watch *w);

/* True once fd can be watched with, or never will (-1). Sets *ret_error to -errno in that case, once. */
bool file_watch_is_up(struct file_watch *w, int *ret_error);

/* IO_WATCH_ADD of path gave this descriptor. 0 or -ENOMEM. */
int file_watch_note(struct file_watch *w, int descriptor, const char *path);

/* The next event; FILE_EVENT_NONE: nothing for now, a read is under way. */
struct file_event file_watch_next(struct file_watch *w);
