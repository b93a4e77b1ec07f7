/* file_finder.h - keeps a file_set as the file system is: which files the patterns match, under which names.
 *
 *   inotify events ---+
 *   walks of the tree-+--> a path to look at --> stat --> reconcile: the path's file and the identity's file
 *   the patrol -------+
 *
 *   the first walk --> what is remembered and was not found: searched for --> first_done
 *
 *                        the path was      the path was         the path was
 *                        unknown           this file's          another file's
 *   identity unknown     a new file        -                    a new file; the other is adrift
 *   identity known       the adrift file   something to read,   the adrift file has its name back;
 *                        has a name again  if its size changed  the other is adrift
 *   nothing there        -                 adrift               adrift
 *   identity known, and another name: looked at, too; where that leads elsewhere, this is the name
 *
 * Whatever the order in which things are learnt, looking at a path once more makes it right. Events make that quick;
 * a walk every few seconds (large trees: a hundredth of the time, every minute at least) and a patrol that looks at a few files a tick
 * make it sure, also where there are no events: network file systems, links to other directories, a full queue.
 *
 * Threads: the owner's. Memory: as its parts. Layer: stages. */
#pragma once

#include "stages/glob_walk.h"
#include "stages/source/file_lost.h"
#include "stages/source/file_set.h"
#include "stages/source/file_watch.h"
#include "stages/stage.h"

struct finder_directory;

struct file_finder {
	struct stage *stage;
	struct file_set *set;
	struct glob_set include, exclude; /* filled by the owner before file_finder_start() */
	bool from_end; /* files that are there at the start: only what comes after */
	bool follow;
	bool may_be_removed;      /* by us: a path that leads to nothing is no mistake */
	bool holding;             /* what is found is not ready before the owner says so */
	uint64_t ignore_older_ns; /* since it was modified; 0: none is ignored */

	struct file_watch *watch; /* follow */
	struct glob_walk walk;
	size_t next_glob;                      /* to be walked */
	struct finder_directory *from, *later; /* a new directory being walked; those still to be */
	size_t later_count;
	bool walking, thorough; /* thorough: known files are looked at, too */
	bool searching;         /* for those that were known and not found */
	struct file_lost lost;
	bool first_done;   /* everything there at the start has been found */
	bool ignored;      /* some file, for its age */
	bool began_at_end; /* some file of which nothing is remembered yet */
	bool lost_track;
	bool said_unwatched;
	uint64_t walk_began_ns, next_walk_ns, next_patrol_ns;
	size_t patrol_left; /* files to look at without waiting for the tick */

	enum { LOOK_NONE, LOOK_STAT, LOOK_OTHER, LOOK_WATCH } look;
	char *looking_at;
	char *other_path; /* of the same file, as far as is known */
	bool is_literal;  /* the path at hand was written without wildcards */
	bool may_be_link;
	struct io_op op;
	struct io_status stat, other_stat;

	uint32_t moved_cookie; /* of the rename that took the name of set->moved */
	bool moved_unseen; /* it took a name that the patterns match, of a file not yet looked at */
	bool adopt;        /* what is being looked at is that file, under whatever name */
};

/* stage, set, include, exclude, from_end and follow are set; the rest is zero. 0 or -errno. */
int file_finder_start(struct file_finder *f);
/* No operation may be under way. One of all zeros is safe to release. */
void file_finder_release(struct file_finder *f);

/* STEP_MORE or STEP_WAIT; without `follow` STEP_DONE when everything has been found; below 0: out of memory. */
int file_finder_step(struct file_finder *f);

/* When it wants to be stepped again, should nothing happen before: monotonic ns. */
uint64_t file_finder_next_ns(const struct file_finder *f);
