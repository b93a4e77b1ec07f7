/* output_settling.h - finished output files on their way to the disk: synced, closed, their directories synced, while the
 * next file is written.
 *
 *      settled                  taken
 *       v                        v
 *   [ .. | DATA | CLOSE | NAME | .. ]     a ring of SETTLING_FILES; each goes DATA --> CLOSE --> NAME --> LEAVE --> done
 *
 * A sync that fails is final, and is not tried again.
 *
 * Threads: the owner's. Memory: none beside the structure, which stays put while it is busy. Layer: stages. */
#pragma once

#include "stages/steady_op.h"

#include <limits.h>

enum { SETTLING_FILES = 4 };

enum settling_state {
	SETTLING_DATA,
	SETTLING_CLOSE,
	SETTLING_NAME,
	SETTLING_LEAVE,
	SETTLING_DONE,
};

struct settling_file {
	enum settling_state state;
	int fd, directory; /* -1: closed */
	struct steady_op op;
	char path[PATH_MAX]; /* for messages */
};

struct output_settling {
	struct env *env;
	struct space_wait *space;
	uint64_t settled, taken; /* only ever counted up; file = index % SETTLING_FILES */
	struct settling_file files[SETTLING_FILES];
	int failed;
};

void output_settling_init(struct output_settling *s, struct env *env, struct space_wait *space);

/* No operation may be under way. */
void output_settling_release(struct output_settling *s);

static inline bool output_settling_has_room(const struct output_settling *s)
{
	return s->taken - s->settled < SETTLING_FILES;
}

/* True while a file that had that path is not settled. */
bool output_settling_holds(const struct output_settling *s, const char *path);

/* Takes both descriptors over. Needs room. */
void output_settling_take(struct output_settling *s, int *fd, int *directory, const char *path);

/* STEP_MORE or STEP_WAIT; STEP_DONE when there is nothing to do; or -EIO, having said why. */
int output_settling_step(struct output_settling *s);
