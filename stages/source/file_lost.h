/* file_lost.h - searches for files that were read before and that no pattern leads to any more: what was renamed while
 * nobody watched, in an earlier run or unnoticed in this one, is read on under its new name, as it would have been if
 * somebody had.
 *
 *   the next one that is lost --> PATH: is it there after all? --yes--> found
 *                                   | no
 *                                   v
 *                     LIST its directory, once for all that were in it --> ENTRY with its inode: is it that? --> found
 *                                   | none                                   | no
 *                                   +----------------------------------------+--> missing
 *
 * What the patterns wanted under the path that it had and do not want there any more is left alone: it is parked. What they
 * never wanted there was renamed out of them, and is read to its end.
 *
 * Threads: the owner's. Memory: one directory's entries. Layer: stages. */
#pragma once

#include "stages/glob.h"
#include "stages/source/file_positions.h"
#include "stages/stage.h"

enum file_lost_at { LOST_NEXT, LOST_PATH, LOST_LIST, LOST_ENTRY };

struct file_lost {
	struct stage *stage;
	struct file_positions *positions;
	const struct glob_set *include, *exclude;
	const struct file_position *at_hand; /* may be found by others meanwhile */
	enum file_lost_at at;
	char *directory; /* of which `listing` is, by inode; NULL: none has been looked at */
	struct io_listing listing;
	char *candidate;
	struct io_op op;
	struct io_status stat;
};

struct lost_file {
	const char *path; /* NULL: none; valid until the next step */
	struct io_status stat;
};

/* Those that are LOST are to be searched for. The patterns must last. */
void file_lost_begin(struct file_lost *l, struct stage *s, struct file_positions *positions,
		     const struct glob_set *include, const struct glob_set *exclude);
/* No operation may be under way. One of all zeros is safe to release. */
void file_lost_release(struct file_lost *l);

/* STEP_MORE, maybe with a file whose position is to be attached before the next step; STEP_WAIT; STEP_DONE; -ENOMEM. */
int file_lost_step(struct file_lost *l, struct lost_file *ret_found);
