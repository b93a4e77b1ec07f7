#define ZSTD_STATIC_LINKING_ONLY /* contexts in memory of ours, of a size known beforehand */
#include "stages/codec/zstd_frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 128 * 1024 }; /* what zstd compresses at a time */

const struct zstd_size zstd_size_of_one = {.input = ZSTD_FRAME_INPUT, .output = ZSTD_FRAME_OUTPUT};
const struct zstd_size zstd_size_of_many = {
    .input = ZSTD_FRAME_INPUT / 8, .output = ZSTD_FRAME_OUTPUT / 16, .worth = BLOCK};

/* The parameters of all our frames, none of which says how much it holds, so that each can be closed wherever it ends. NULL
 * when memory runs out or zstd does not take the level. */
static ZSTD_CCtx_params *make_parameters(int level, const struct zstd_size *size)
{
	ZSTD_CCtx_params *p = ZSTD_createCCtxParams();
	if (p && !ZSTD_isError(ZSTD_CCtxParams_init(p, level)) &&
	    !ZSTD_isError(ZSTD_CCtxParams_setParameter(p, ZSTD_c_checksumFlag, 1)) &&
	    !ZSTD_isError(ZSTD_CCtxParams_setParameter(p, ZSTD_c_contentSizeFlag, 0)) &&
	    !ZSTD_isError(ZSTD_CCtxParams_setParameter(p, ZSTD_c_srcSizeHint, size->worth)) &&
	    !ZSTD_isError(ZSTD_CCtxParams_setParameter(p, ZSTD_c_stableInBuffer, 1)))
		return p;
	ZSTD_freeCCtxParams(p);
	return NULL;
}

static size_t workspace_size(int level, const struct zstd_size *of)
{
	ZSTD_CCtx_params *p = make_parameters(level, of);
	size_t size = p ? ZSTD_estimateCStreamSize_usingCCtxParams(p)
			: ZSTD_estimateCStreamSize(level); /* which is more */
	ZSTD_freeCCtxParams(p);
	return size;
}

size_t zstd_context_footprint(int level, const struct zstd_size *size)
{
	return workspace_size(level, size) + size->input;
}

int zstd_context_init(struct zstd_context *c, int level, int level_max, const struct zstd_size *of)
{
	*c = (struct zstd_context){.room = of->input};
	int r = -ENOMEM;
	ZSTD_CCtx_params *p = make_parameters(level, of);
	size_t size = workspace_size(level_max, of);
	if (!p)
		goto fail;
	c->workspace = malloc(size);
	c->bytes = malloc(c->room);
	if (!c->workspace || !c->bytes)
		goto fail;
	c->input.src = c->bytes;
	r = -EINVAL;
	c->stream = ZSTD_initStaticCStream(c->workspace, size);
	if (!c->stream || ZSTD_isError(ZSTD_CCtx_setParametersUsingCCtxParams(c->stream, p)))
		goto fail;
	ZSTD_freeCCtxParams(p);
	return 0;
fail:
	ZSTD_freeCCtxParams(p);
	zstd_context_release(c);
	return r;
}

void zstd_context_set_level(struct zstd_context *c, int level)
{
	size_t r = ZSTD_CCtx_setParameter(c->stream, ZSTD_c_compressionLevel, level);
	assert(!ZSTD_isError(r));
	(void)r;
}

void zstd_context_release(struct zstd_context *c)
{
	free(c->workspace); /* the stream lives in it */
	free(c->bytes);
	*c = (struct zstd_context){0};
}

size_t zstd_frame_footprint(const struct zstd_size *size)
{
	return size->output + ZSTD_FRAME_SLICES * sizeof(struct slice);
}

int zstd_frame_init(struct zstd_frame *f, const struct delimiter *delimiter,
		    const struct zstd_size *size)
{
	*f = (struct zstd_frame){.job = {.delimiter = delimiter, .room = size->output}};
	f->slices = calloc(ZSTD_FRAME_SLICES, sizeof *f->slices);
	f->job.slices = f->slices;
	f->job.output = malloc(size->output);
	if (f->slices && f->job.output)
		return 0;
	zstd_frame_release(f);
	return -ENOMEM;
}

void zstd_frame_release(struct zstd_frame *f)
{
	assert(!f->op.busy);
	for (uint64_t i = f->job.from; f->slices && i < f->put; i++)
		if (f->slices[i % ZSTD_FRAME_SLICES].last)
			batch_free(&f->slices[i % ZSTD_FRAME_SLICES].batch);
	free(f->slices);
	free(f->job.output);
	*f = (struct zstd_frame){0};
}

void zstd_frame_begin(struct zstd_frame *f, uint64_t now_ns, bool kept)
{
	assert(!f->op.busy && zstd_frame_is_consumed(f) && f->ready == f->written);
	f->input = 0;
	f->started_ns = now_ns;
	f->kept = kept;
	f->ending = f->flush = f->dirty = f->over = f->begun = false;
	f->ready = f->written = f->mark = 0;
	f->job.produced = 0;
	f->job.through = true;
}

bool zstd_frame_has_room(const struct zstd_frame *f)
{
	return f->put - f->consumed < ZSTD_FRAME_SLICES;
}

void zstd_frame_put(struct zstd_frame *f, struct slice slice, uint64_t bytes)
{
	assert(zstd_frame_has_room(f) && !f->ending);
	f->slices[f->put++ % ZSTD_FRAME_SLICES] = slice;
	f->input += bytes;
	f->dirty = true;
	f->fresh.records += slice.end - slice.first;
	f->fresh.batches += slice.last;
	stored_note_read(&f->fresh, slice.batch->read_ns);
}

bool zstd_frame_is_consumed(const struct zstd_frame *f)
{
	return f->consumed == f->put && !f->op.busy;
}

static ZSTD_EndDirective directive(const struct zstd_frame *f)
{
	return f->ending ? ZSTD_e_end : f->flush && f->dirty ? ZSTD_e_flush : ZSTD_e_continue;
}

bool zstd_frame_has_work(const struct zstd_frame *f)
{
	if (f->op.busy || f->over || f->job.produced == f->job.room)
		return false;
	return f->consumed < f->put || directive(f) != ZSTD_e_continue;
}

static void on_done(struct io_op *op)
{
	(void)op; /* collected at the next step */
}

void zstd_frame_submit(struct zstd_frame *f, struct io *io, struct zstd_context *context)
{
	assert(zstd_frame_has_work(f));
	f->job.context = context;
	f->job.end = f->put;
	f->job.directive = directive(f);
	f->job.through = false;
	stored_move(&f->working, &f->fresh);
	f->op = (struct io_op){
	    .code = IO_WORK,
	    .work = {.run = zstd_frame_work, .argument = &f->job},
	    .done = on_done,
	    .owner = f,
	};
	f->submitted = true;
	io_submit(io, &f->op);
}

bool zstd_frame_collect(struct zstd_frame *f, int *ret_error)
{
	if (!f->submitted || f->op.busy)
		return false;
	f->submitted = false;
	f->consumed = f->job.from;
	f->ready = f->job.produced;
	if (f->job.through && f->job.directive != ZSTD_e_continue) {
		stored_move(&f->marked, &f->working);
		f->mark = f->ready;
		f->flush = false;
		f->dirty = f->fresh.batches > 0 || f->fresh.records > 0;
		f->over = f->job.directive == ZSTD_e_end;
	}
	*ret_error = (int)f->op.result;
	return true;
}

bool zstd_frame_is_flushed(const struct zstd_frame *f)
{
	return zstd_frame_is_consumed(f) && !f->submitted && !f->dirty && !f->ending &&
	       f->ready == f->written;
}

size_t zstd_frame_writable(const struct zstd_frame *f)
{
	bool ought = f->over || f->mark > f->written || f->ready == f->job.room;
	return ought ? f->ready - f->written : 0;
}

void zstd_frame_wrote(struct zstd_frame *f, size_t bytes, struct stored *stored)
{
	f->written += bytes;
	stored->bytes += bytes;
	assert(f->written <= f->ready);
	if (f->written >= f->mark)
		stored_move(stored, &f->marked);
	if (f->op.busy || f->submitted || f->written < f->ready)
		return;
	f->kept &= f->job.produced < f->job.room || f->over;
	if (!f->kept)
		f->ready = f->written = f->mark = f->job.produced = 0;
}

/* Sees that there is something to copy in j->piece; gives back the batches that have been used up on the way to it.
 * False when all has been copied. */
static bool next_piece(struct zstd_job *j)
{
	while (j->piece.length == 0) {
		if (j->piece.bare) {
			j->piece = (struct piece){.bytes = j->delimiter->bytes,
						  .length = j->delimiter->length};
			break;
		}
		if (!j->slicing && j->from == j->end)
			return false;
		struct slice *s = &j->slices[j->from % ZSTD_FRAME_SLICES];
		if (!j->slicing)
			pieces_begin(&j->pieces, s->batch, s->first, s->end, j->delimiter);
		j->slicing = pieces_next(&j->pieces, &j->piece);
		if (j->slicing)
			continue;
		if (s->last)
			batch_free(&s->batch);
		j->from++;
	}
	return true;
}

/* Copies input until there is a block of it. False when there is none left. */
static bool fill(struct zstd_job *j)
{
	struct zstd_context *c = j->context;
	size_t full = c->input.pos + BLOCK < c->room ? c->input.pos + BLOCK : c->room;
	while (next_piece(j)) {
		size_t n = full - c->input.size;
		if (n > j->piece.length)
			n = j->piece.length;
		if (n == 0)
			return true;
		memcpy(c->bytes + c->input.size, j->piece.bytes, n);
		c->input.size += n;
		j->piece.bytes += n;
		j->piece.length -= n;
	}
	return false;
}

/* Compresses what is in the context: 1 if all of it, and what `how` asks for, is done; 0 if the output is full; or
 * -EIO. */
static int compress(struct zstd_job *j, ZSTD_EndDirective how)
{
	struct zstd_context *c = j->context;
	ZSTD_outBuffer out = {.dst = j->output, .size = j->room, .pos = j->produced};
	do {
		size_t left = ZSTD_compressStream2(c->stream, &out, &c->input, how);
		if (ZSTD_isError(left))
			return -EIO;
		j->produced = out.pos;
		if (how == ZSTD_e_continue ? c->input.pos == c->input.size : left == 0) {
			if (how == ZSTD_e_end)
				c->input.pos = c->input.size = 0;
			return 1;
		}
	} while (out.pos < out.size);
	return 0;
}

/* One block more, or the end of a zstd frame that has no room for it. As compress(). */
static int compress_more(struct zstd_job *j)
{
	if (j->context->input.pos == j->context->room)
		j->closing = true;
	int r = compress(j, j->closing ? ZSTD_e_end : ZSTD_e_continue);
	if (r == 1)
		j->closing = false;
	return r;
}

int zstd_frame_work(void *argument)
{
	struct zstd_job *j = argument;
	int r = 1;
	while (r == 1 && (j->closing || fill(j)))
		r = compress_more(j);
	if (r == 1)
		r = compress(j, j->directive);
	j->through = r == 1;
	return r < 0 ? r : 0;
}
