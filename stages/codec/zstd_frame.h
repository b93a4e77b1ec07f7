/* zstd_frame.h - one zstd frame in the making: records in, compressed bytes out, the work done on a helper thread.
 *
 *   slices      [ consumed | being worked on | put since ]   a ring
 *               ^consumed         ^job.from  ^job.end   ^put
 *   output      [ written | ready | being produced | free ]
 *
 * While the operation is under way, the helper owns `job` and the slices [consumed, job.end); the sink goes on putting slices
 * behind them and writing what is ready. Both see the other's part again when it is done, so nothing is shared.
 *
 * Threads: the sink's worker, but zstd_frame_work() on a helper. Memory: all taken by zstd_frame_init() and
 * zstd_context_init(). Layer: stages. */
#pragma once

#include "stages/io.h"
#include "stages/pieces.h"
#include "stages/stored.h"

#include <zstd.h>

enum {
	ZSTD_FRAME_INPUT = 8 * 1024 * 1024,
	ZSTD_FRAME_OUTPUT = 4 * 1024 * 1024,
	ZSTD_FRAME_SLICES = 256,
};

/* How large it all is. */
struct zstd_size {
	size_t input;  /* bytes that a frame takes at most */
	size_t output; /* and of which so many at a time, compressed, wait to be written */
	int worth; /* zstd looks for matches as if that were all input; 0: with what the level has */
};

extern const struct zstd_size zstd_size_of_one,
    zstd_size_of_many; /* where many files are compressed at a time: an eighth of the memory */

/* What it takes to compress one frame at a time. The frame's input is copied here, one piece behind the other: zstd
 * finds matches in one contiguous region faster than in the ring it would otherwise copy it into itself, and the
 * batches go back at once. */
struct zstd_context {
	ZSTD_CStream *stream;
	void *workspace;
	size_t room;
	uint8_t *bytes;      /* `room` of them */
	ZSTD_inBuffer input; /* what they are filled with, and how far that is compressed */
	bool busy;           /* some frame's */
};

/* Records [first, end) of a batch. */
struct slice {
	struct batch *batch;
	uint32_t first, end;
	bool last; /* of this batch: frees it when consumed */
};

struct zstd_job {
	struct zstd_context *context;
	const struct delimiter *delimiter;
	struct slice *slices;
	uint64_t from, end;
	ZSTD_EndDirective directive;

	bool slicing; /* slices[from] is begun: */
	struct pieces pieces;
	struct piece piece; /* what is left of the one being copied */
	bool closing;       /* the context is full: a zstd frame ends here, though ours goes on */

	uint8_t *output;
	size_t room; /* in there */
	size_t produced;
	bool through; /* all input consumed and the directive carried out */
};

struct zstd_frame {
	struct io_op op;
	struct zstd_job job;
	struct slice *slices;
	uint64_t consumed, put; /* slices; consumed as of the last operation collected */
	bool submitted;         /* an operation is under way or to be collected */
	uint64_t input;         /* bytes put */
	uint64_t started_ns;
	bool ending; /* no more input will come */
	bool flush;  /* everything is wanted out */
	bool dirty;  /* something was put since the last flush was through */
	bool over;   /* all compressed */
	size_t ready, written;
	bool begun; /* some of it has been given to be written */
	bool
	    kept; /* output stays where it is until the frame is written, for another reader to be given all of it */

	/* On its way into the file: what was put since the operation began, what that works on, and what is in
	 * output[0, mark). */
	struct stored fresh, working, marked;
	size_t mark;
};

/* Takes levels up to level_max. 0, -ENOMEM, or -EINVAL if zstd does not take the level. */
int zstd_context_init(struct zstd_context *c, int level, int level_max,
		      const struct zstd_size *size);
/* Between two frames. */
void zstd_context_set_level(struct zstd_context *c, int level);
void zstd_context_release(struct zstd_context *c);
size_t zstd_context_footprint(int level, const struct zstd_size *size);

/* 0 or -ENOMEM. The delimiter, the output's, outlives it. */
int zstd_frame_init(struct zstd_frame *f, const struct delimiter *delimiter,
		    const struct zstd_size *size);
/* Frees what it still holds; no operation may be under way. */
void zstd_frame_release(struct zstd_frame *f);
size_t zstd_frame_footprint(const struct zstd_size *size);

/* It fits, though nothing gets smaller and all is flushed. */
static inline size_t zstd_input_kept(const struct zstd_size *size)
{
	return size->output / 2;
}

/* Makes it a new, empty frame. What is kept may have zstd_input_kept() bytes of input; one record that is larger
 * may end it. */
void zstd_frame_begin(struct zstd_frame *f, uint64_t now_ns, bool kept);

/* False when as many slices wait as fit. */
bool zstd_frame_has_room(const struct zstd_frame *f);

/* Takes the slice, and with its last one the batch; `bytes` is what it comes to. */
void zstd_frame_put(struct zstd_frame *f, struct slice slice, uint64_t bytes);

/* True if an operation would get it further. */
bool zstd_frame_has_work(const struct zstd_frame *f);

/* Submits one, with a context that is its own until it is over. */
void zstd_frame_submit(struct zstd_frame *f, struct io *io, struct zstd_context *context);

/* Takes in what the operation, if it is done, has come to. True if there was one; then 0 or -EIO is in *ret_error. */
bool zstd_frame_collect(struct zstd_frame *f, int *ret_error);

/* True if nothing put is waiting to be compressed. */
bool zstd_frame_is_consumed(const struct zstd_frame *f);

/* True if all that was put has been compressed, flushed and written. */
bool zstd_frame_is_flushed(const struct zstd_frame *f);

/* Bytes that ought to be written now: at its end, when it has been flushed, or when there is no more room. */
size_t zstd_frame_writable(const struct zstd_frame *f);

/* Output up to there is in the file; adds what that stores to *stored. */
void zstd_frame_wrote(struct zstd_frame *f, size_t bytes, struct stored *stored);

/* What the operation runs: compresses until the input is consumed and the directive carried out, or the output full.
 * 0 or -EIO. */
int zstd_frame_work(void *job);
