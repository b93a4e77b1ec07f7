/* file_removal.h - deletes files that were wholly stored `remove_after` ago and are still as they were then.
 *
 *   read to its end --snapshot--> said --that epoch is committed--> stored --so long--> due      (file_positions.h)
 *       ^------------------------- whatever changes -------------------+
 *
 *   IDLE --due--> OPEN --> LOOK --> HEAD --> TAIL --> ABOVE --> ASIDE --> SEE --> WHOSE --> UNLINK --> SYNC --> IDLE
 *                   |        |        |       |                             +-------+--> BACK -------------------^
 *                   +--------+--------+-------+--- not as it was: left alone until it changes and is stored again-^
 *
 *   ASIDE --that name is taken--> TAKEN --by the same file--> SPARE --> ASIDE
 *                                   +-----by another--> ASIDE, with the next name
 *
 * As it was: a regular file with the same identity, of the length that is committed, not modified for so long, with the
 * same samples of its bytes, whose path the patterns match. No link, nothing empty, and nothing of which the beginning was
 * left out (`read_from: end`).
 *
 * ABOVE opens its directory, ASIDE gives it a name that nobody else uses (file_aside.h), SEE and WHOSE look whether that is
 * still the file that was looked at, and as it was: another may have got its name meanwhile. That is put BACK. Where
 * something lies under that name, TAKEN looks what: a kill between the two halves of a rename (daemon/stand_in.h) leaves a
 * file with both names, of which SPARE takes this one away; anything else stays there.
 *
 * What is remembered of the file is forgotten when the directory is on disk without it: a name that a power cut brings back
 * leads to a file that is still known. Should somebody have written to it in the last moment, the descriptor still leads
 * there, and the reader has got it before. With --once nobody reads any more: that is said.
 *
 * Threads: the owner's. Memory: a path. Layer: stages. */
#pragma once

#include "stages/source/file_aside.h"
#include "stages/source/file_finder.h"
#include "stages/source/file_positions.h"

enum file_removal_at {
	REMOVAL_IDLE,
	REMOVAL_OPEN,
	REMOVAL_LOOK,
	REMOVAL_HEAD,
	REMOVAL_TAIL,
	REMOVAL_ABOVE,
	REMOVAL_ASIDE,
	REMOVAL_TAKEN,
	REMOVAL_SPARE,
	REMOVAL_SEE,
	REMOVAL_WHOSE,
	REMOVAL_BACK,
	REMOVAL_UNLINK,
	REMOVAL_LAST,
	REMOVAL_SYNC,
};

struct file_removal {
	struct stage *stage;
	struct file_finder *finder;
	struct file_positions *positions; /* whose `at_hand` is being looked at */
	uint64_t after_ns;                /* 0: nothing is ever deleted */

	enum file_removal_at at;
	uint64_t next_ns; /* IDLE: when the next one may be due, monotonic */
	char *path;       /* at hand */
	char *directory;  /* it is in */
	char *aside;      /* what it is called while it is being deleted */
	unsigned number;  /* of that name (file_aside.h) */
	uint64_t end;     /* and how long it has to be */
	int fd;           /* it; -1: closed, or the reader's */
	int above, seen;  /* its directory, and what lay aside there; -1: closed */
	struct io_op op;
	struct io_status stat, now;
	uint8_t sample[HEAD_BYTES];
	size_t sampled;
};

void file_removal_init(struct file_removal *r, struct stage *s, struct file_finder *finder,
		       struct file_positions *positions, uint64_t after_ns);
/* No operation may be under way. One of all zeros is safe to release. */
void file_removal_release(struct file_removal *r);

/* More files have been stored. */
void file_removal_note(struct file_removal *r);

/* STEP_MORE or STEP_WAIT; -ENOMEM. */
int file_removal_step(struct file_removal *r);

/* Nothing is being looked at, and nothing will be due within that time. */
bool file_removal_is_idle(const struct file_removal *r, uint64_t within_ns);

/* When it wants to be stepped again, should nothing happen before: monotonic ns. */
uint64_t file_removal_next_ns(const struct file_removal *r);
