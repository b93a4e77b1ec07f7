#include "stages/open_frame.h"

#include <errno.h>
#include <stdlib.h>

enum {
	HEADERS = 4 * 1024, /* read at once while looking: blocks may be small, but seldom are */
	CHUNK = 128 * 1024,
};

void open_frame_init(struct open_frame *o, struct env *env, struct space_wait *space,
		     const char *path)
{
	*o = (struct open_frame){.state = OPEN_FRAME_IDLE};
	steady_op_init(&o->op, env, space, path);
}

void open_frame_release(struct open_frame *o)
{
	zstd_mending_release(&o->mending);
	free(o->bytes);
	o->bytes = NULL;
	o->state = OPEN_FRAME_IDLE;
}

/* ---- finding ---- */

/* Behind what was read already of them. */
static void read_headers(struct open_frame *o)
{
	uint64_t left = o->walk.length - o->walk.at, most = left < HEADERS ? left : HEADERS;
	steady_op_begin(&o->op, (struct io_op){.code = IO_READ,
					       .fd = o->from,
					       .read = {.bytes = o->bytes + o->have,
							.length = most - o->have,
							.at = o->walk.at + o->have}});
}

int open_frame_find(struct open_frame *o, int fd, uint64_t length)
{
	o->bytes = malloc(HEADERS);
	if (!o->bytes)
		return -ENOMEM;
	o->from = fd;
	o->have = 0;
	o->state = OPEN_FRAME_FIND;
	zstd_walk_begin(&o->walk, length);
	read_headers(o);
	return 0;
}

static int after_headers(struct open_frame *o, int64_t result)
{
	if (result <= 0)
		return result < 0 ? (int)result : -EIO;
	o->have += (size_t)result;
	if (o->have >= zstd_walk_wants(&o->walk)) {
		zstd_walk_put(&o->walk, o->bytes, o->have);
		o->have = 0;
	}
	if (o->walk.ending != ZSTD_WALKING) {
		open_frame_release(o);
		return STEP_DONE;
	}
	read_headers(o);
	return STEP_MORE;
}

/* ---- closing ---- */

static void read_blocks(struct open_frame *o)
{
	uint64_t left = o->end - o->at;
	steady_op_begin(&o->op, (struct io_op){.code = IO_READ,
					       .fd = o->from,
					       .read = {.bytes = o->bytes,
							.length = left < CHUNK ? left : CHUNK,
							.at = o->at}});
}

int open_frame_close(struct open_frame *o, int from, int to, uint64_t whole, uint64_t length,
		     bool has_checksum)
{
	int error = zstd_mending_init(&o->mending);
	o->bytes = malloc(CHUNK);
	if (!o->bytes || error < 0)
		return -ENOMEM;
	o->from = from;
	o->to = to;
	o->at = whole;
	o->end = length;
	o->has_checksum = has_checksum;
	o->state = OPEN_FRAME_READ;
	read_blocks(o);
	return 0;
}

/* What is left of the tail. */
static int write_tail(struct open_frame *o)
{
	if (o->span.iov_len == 0) {
		open_frame_release(o);
		return STEP_DONE;
	}
	o->state = OPEN_FRAME_WRITE;
	steady_op_begin(&o->op,
			(struct io_op){.code = IO_WRITE,
				       .fd = o->to,
				       .write = {.spans = &o->span, .count = 1, .at = o->at}});
	return STEP_MORE;
}

static int after_blocks(struct open_frame *o, int64_t result)
{
	if (result <= 0)
		return result < 0 ? (int)result : -EIO;
	if (zstd_mending_put(&o->mending, o->bytes, (size_t)result) < 0)
		return -EBADMSG;
	o->at += (uint64_t)result;
	if (o->at < o->end) {
		read_blocks(o);
		return STEP_MORE;
	}
	size_t length = zstd_mending_tail(&o->mending, o->has_checksum, o->tail);
	o->span = (struct iovec){.iov_base = o->tail, .iov_len = length};
	return write_tail(o);
}

static int after_tail(struct open_frame *o, int64_t result)
{
	if (result <= 0)
		return result < 0 ? (int)result : -EIO;
	o->at += (uint64_t)result;
	o->span.iov_base = (uint8_t *)o->span.iov_base + result;
	o->span.iov_len -= (size_t)result;
	return write_tail(o);
}

int open_frame_step(struct open_frame *o)
{
	int stepped = steady_op_step(&o->op);
	if (stepped != STEP_DONE)
		return stepped;
	if (o->state == OPEN_FRAME_FIND)
		return after_headers(o, o->op.result);
	return o->state == OPEN_FRAME_READ ? after_blocks(o, o->op.result)
					   : after_tail(o, o->op.result);
}
