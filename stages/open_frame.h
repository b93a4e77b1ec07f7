/* open_frame.h - the last frame of a zstd file if it does not end: found, and closed so that something can follow it.
 *
 *	open_frame_find(o, fd, length)      steps to where the frames, and the blocks of the open one, end: o->walk
 *	open_frame_close(o, ...)            steps until the frame, whose last whole block the file ends with, is closed
 *
 * Threads: the owner's. Memory: while it is at work, a buffer and what decoding takes; given back with a release. Layer: stages. */
#pragma once

#include "stages/codec/zstd_mending.h"
#include "stages/codec/zstd_walk.h"
#include "stages/steady_op.h"

struct open_frame {
	struct steady_op op;
	enum { OPEN_FRAME_IDLE, OPEN_FRAME_FIND, OPEN_FRAME_READ, OPEN_FRAME_WRITE } state;
	int from, to;     /* descriptors to read and to write with */
	uint64_t at, end; /* READ, WRITE: how far; of what there is to read */
	bool has_checksum;
	struct zstd_walk walk;
	size_t have; /* FIND: bytes at walk.at that have been read */
	struct zstd_mending mending;
	uint8_t *bytes;
	uint8_t tail[ZSTD_TAIL];
	struct iovec span;
};

/* What it points to outlives it. The path is for messages. */
void open_frame_init(struct open_frame *o, struct env *env, struct space_wait *space,
		     const char *path);

/* No operation may be under way. */
void open_frame_release(struct open_frame *o);

/* Begins to look through a file of that length. 0 or -ENOMEM. */
int open_frame_find(struct open_frame *o, int fd, uint64_t length);

/* Begins to close the frame [whole, length) of a file that ends there. 0 or -ENOMEM. */
int open_frame_close(struct open_frame *o, int from, int to, uint64_t whole, uint64_t length,
		     bool has_checksum);

/* STEP_WAIT or STEP_MORE until STEP_DONE, with o->at the length of what has been closed; -EBADMSG: it does not decode; or
 * another -errno. */
int open_frame_step(struct open_frame *o);
