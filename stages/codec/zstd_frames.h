/* zstd_frames.h - a file of independent zstd frames, several compressed at the same time, written strictly in order.
 *
 *      head                                  tail
 *       v                                     v
 *   [ being written | compressed | at work | open, at work ]
 *
 * Records go into the open frame until it has had `frame_input` bytes or is old: ZSTD_FRAME_AGE, or if that is not worth a
 * frame (ZSTD_FRAME_WORTH) and `patient`, ZSTD_FRAME_AGE_MAX. Flushed after every few lines, small blocks cost much of the
 * ratio; a patient file tries harder with a frame that begins with drops, which costs little as there is little to do. A frame is compressed
 * as its input comes, never waited full: its batches are freed on the way, so however few there are, they come back.
 * Each frame has a checksum and can be decoded without the others.
 *
 * Into a FIFO frames are smaller and kept until they are read, so that another reader can be given the whole frame; save
 * one with a record that does not fit.
 *
 * A batch counts as stored when the frame, or the flush, that covers it is in the file. After zstd_frames_flush() the
 * file ends at a block's boundary, and what was put before decodes from it.
 *
 * Threads: the owner's; helpers inside. Memory: all taken by zstd_frames_init(). Layer: stages. */
#pragma once

#include "stages/codec/zstd_frame.h"
#include "stages/write_queue.h"

#define ZSTD_FRAME_AGE_NS 30000000000u
#define ZSTD_FRAME_AGE_MAX_NS 600000000000u

enum {
	ZSTD_FRAME_WORTH = 1024 * 1024, /* input */
	ZSTD_FRAME_DROPS =
	    16 * 1024, /* a frame that begins with less, and no more at hand, is filled by drops */
	ZSTD_LEVEL_DROPS = 7, /* the least for those */
};

struct zstd_frames_options {
	int level;
	unsigned workers; /* frames compressed at a time */
	const struct zstd_size *size;
	uint64_t frame_input;       /* bytes of input a frame takes, at most size->input */
	uint64_t length_max;        /* of a file, compared between frames; 0: no limit */
	struct delimiter delimiter; /* the output's */
	bool patient;               /* flushed at intervals, not whenever input is dry */
};

struct zstd_frames {
	struct env *env;
	struct write_queue *queue;
	struct zstd_frames_options options;
	struct zstd_context *contexts;
	struct zstd_frame *frames;
	unsigned frame_count;
	uint64_t head, tail; /* only ever counted up; frame = index % frame_count */
	bool cut;            /* the batch put last continues in another frame */
	struct write write;
	struct iovec span;
	size_t write_length;
	bool writing;
	bool wants_file;   /* the head frame would make this file too long */
	bool dry;          /* the owner's: there is no more to be put at the moment */
	uint64_t begun_at; /* where in the file the frame that is being written began */
	size_t unflushed;  /* batches put since the last flush */
};

/* Of a patient one, which takes more. */
size_t zstd_frames_footprint(int level, unsigned workers, const struct zstd_size *size);

/* 0, -ENOMEM, or -EINVAL if zstd does not take the level. What it points to outlives it. */
int zstd_frames_init(struct zstd_frames *z, const struct zstd_frames_options *options,
		     struct env *env, struct write_queue *queue);

/* True while frames are being compressed: operations of its own are under way. */
bool zstd_frames_is_working(const struct zstd_frames *z);

/* No operation may be under way; what was not written is freed. Twice does no harm. */
void zstd_frames_release(struct zstd_frames *z);

/* How many bytes may be put now: 0 means none, and the room may be less than a record is long only in a frame that
 * has input already: end that one then, and a new one takes any record. */
uint64_t zstd_frames_room(const struct zstd_frames *z);

/* True if the next record put is the first of its frame. */
bool zstd_frames_at_start(const struct zstd_frames *z);

/* Records [first, end) of *b, which come to `bytes`. A batch, or the part of it that goes in here, is put from its first
 * record to its last before the next one is begun, in one frame or several; with the last it is taken over, counts as one, and
 * the caller's pointer is cleared. */
void zstd_frames_put(struct zstd_frames *z, struct batch **b, uint32_t first, uint32_t end,
		     uint64_t bytes, bool last);

/* A frame without records, which makes an empty file a valid one. There must be no open frame, and room. */
void zstd_frames_put_nothing(struct zstd_frames *z);

/* True if something put is in no finished frame and no flush has been asked for since. */
bool zstd_frames_is_unflushed(const struct zstd_frames *z);

/* Asks for all that was put to come out, up to a block's boundary. */
void zstd_frames_flush(struct zstd_frames *z);

/* Ends the open frame, if there is one. */
void zstd_frames_end(struct zstd_frames *z);

/* Goes on with everything as far as it goes; what came to be in the file is added to *stored. STEP_MORE if something
 * came of it, STEP_WAIT if not, or -EIO. */
int zstd_frames_step(struct zstd_frames *z, struct stored *stored);

/* True if all that was put is in the file. */
bool zstd_frames_is_empty(const struct zstd_frames *z);

/* True if all that was put is in the file, and that ends at a block's boundary. */
bool zstd_frames_is_flushed(const struct zstd_frames *z);

/* How much of the file is whole frames, once it is flushed. */
uint64_t zstd_frames_whole(const struct zstd_frames *z);

/* What has been written of the frame that is being written is for nobody: all of it will be written again. There must
 * be no write under way. */
void zstd_frames_restart(struct zstd_frames *z);

/* True if what is in the file ends with a whole frame and nothing is being written. */
bool zstd_frames_is_between(const struct zstd_frames *z);
