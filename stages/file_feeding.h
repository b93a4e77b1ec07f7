/* file_feeding.h - a file output's front half: which file a record belongs to, and as many records into it as it may take.
 * For stages/file_output.c.
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/file_output.h"

/* True if all that was put is written. */
bool feeding_is_empty(const struct file_output *f);

/* The same, but for the end of a frame that may still take more. */
bool feeding_is_settled(const struct file_output *f);

static inline bool feeding_is_open(const struct file_output *f)
{
	return f->queue.fd >= 0;
}

/* The file's length when all is written that it can be told of now. */
uint64_t feeding_length(const struct file_output *f);

/* The moment that names the file for what is put at wall_ns. */
int64_t feeding_moment(const struct file_output *f, int64_t wall_ns);

/* rotate_interval: which one that is. */
int64_t feeding_period(const struct file_output *f, int64_t wall_ns);

/* With groups: the file of the current batch's record at the cursor, which there is, and where its group ends;
 * NULL: its path is too long, which has been said. */
const char *feeding_path(struct file_output *f, uint32_t *ret_end);

/* True if a new interval has begun for a file that has something in it. */
bool feeding_is_outdated(struct file_output *f, int64_t moment);

/* Puts what it can of the current batch; asks for another file (f->change) when it is to go there. STEP_MORE or STEP_WAIT. */
int feeding_feed(struct file_output *f);
