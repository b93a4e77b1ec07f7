/* file_aside.h - the name a file has while it is being deleted, so that nothing is deleted but what was looked at.
 *
 *   logs/a.log --rename--> logs/.sluice-removing.a.log --it is the one that was meant--> unlink
 *       ^                              |
 *       +-------- rename --------------+ it is another, or was written to
 *
 * A path may lead to another file at any moment; this name is nobody else's. No file source reads what has it. Where a
 * crash left one behind, the next start puts it back first, unless there is another file by its name again. Then it stays
 * aside, and who is to be deleted next takes another of these names: .sluice-removing-2.a.log, and so on.
 *
 * Threads: the owner's. Memory: two paths at a time. Layer: stages. */
#pragma once

#include "stages/source/file_positions.h"
#include "stages/stage.h"

#define FILE_ASIDE_PREFIX ".sluice-removing"

enum { FILE_ASIDE_NAMES = 4 }; /* of a file; at most 9, as their number is one digit */

/* Where the last name of a path begins. */
const char *file_aside_last_name(const char *path);
bool file_aside_is(const char *path);
/* With the prefix of that number, 1 to FILE_ASIDE_NAMES, and without any; the caller's. NULL: out of memory. */
char *file_aside_of(const char *path, unsigned number);
char *file_aside_original(const char *path);

/* Puts back what the files that are remembered left behind. */
struct file_aside {
	struct stage *stage;
	struct file_positions *positions; /* none may be loaded or attached meanwhile */
	const struct chain *next;         /* of positions->parked; NULL: it is through */
	unsigned number;                  /* of the name that is tried next */
	char *from, *to;
	struct io_op op;
};

void file_aside_begin(struct file_aside *a, struct stage *s, struct file_positions *positions);
/* No operation may be under way. One of all zeros is safe to release, and is through. */
void file_aside_release(struct file_aside *a);
/* STEP_WAIT, STEP_DONE or -ENOMEM. */
int file_aside_step(struct file_aside *a);
