#include "stages/codec/zstd_frames.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Frames beside those at work: one is written or waits for its turn while the next fills. */
enum { FRAMES_AHEAD = 1 };

static int hardest(int level)
{
	return level > ZSTD_LEVEL_DROPS ? level : ZSTD_LEVEL_DROPS;
}

size_t zstd_frames_footprint(int level, unsigned workers, const struct zstd_size *size)
{
	return workers * zstd_context_footprint(hardest(level), size) +
	       (workers + FRAMES_AHEAD) * (zstd_frame_footprint(size) + sizeof(struct zstd_frame));
}

int zstd_frames_init(struct zstd_frames *z, const struct zstd_frames_options *options,
		     struct env *env, struct write_queue *queue)
{
	assert(options->workers > 0 && options->frame_input > 0 &&
	       options->frame_input <= options->size->input);
	*z = (struct zstd_frames){.env = env, .queue = queue, .options = *options};
	int r = -ENOMEM;
	unsigned frames = options->workers + FRAMES_AHEAD;
	z->contexts = calloc(options->workers, sizeof *z->contexts);
	z->frames = calloc(frames, sizeof *z->frames);
	if (!z->contexts || !z->frames)
		goto fail;
	for (unsigned i = 0; i < options->workers; i++)
		if ((r = zstd_context_init(&z->contexts[i], options->level,
					   options->patient ? hardest(options->level)
							    : options->level,
					   options->size)) < 0)
			goto fail;
	for (; z->frame_count < frames; z->frame_count++)
		if ((r = zstd_frame_init(&z->frames[z->frame_count], &z->options.delimiter,
					 options->size)) < 0)
			goto fail;
	return 0;
fail:
	zstd_frames_release(z);
	return r;
}

bool zstd_frames_is_working(const struct zstd_frames *z)
{
	for (unsigned i = 0; i < z->frame_count; i++)
		if (z->frames[i].op.busy)
			return true;
	return false;
}

void zstd_frames_release(struct zstd_frames *z)
{
	for (unsigned i = 0; i < z->frame_count; i++)
		zstd_frame_release(&z->frames[i]);
	for (unsigned i = 0; z->contexts && i < z->options.workers; i++)
		zstd_context_release(&z->contexts[i]);
	free(z->frames);
	free(z->contexts);
	*z = (struct zstd_frames){0};
}

static struct zstd_frame *frame_at(const struct zstd_frames *z, uint64_t index)
{
	return &z->frames[index % z->frame_count];
}

/* The frame that takes input; NULL if there is none. */
static struct zstd_frame *open_frame(const struct zstd_frames *z)
{
	if (z->head == z->tail)
		return NULL;
	struct zstd_frame *last = frame_at(z, z->tail - 1);
	return last->ending ? NULL : last;
}

static bool all_consumed(const struct zstd_frames *z)
{
	for (uint64_t i = z->head; i < z->tail; i++)
		if (!zstd_frame_is_consumed(frame_at(z, i)))
			return false;
	return true;
}

static uint64_t frame_input(const struct zstd_frames *z, bool kept)
{
	uint64_t most = z->options.frame_input;
	size_t most_kept = zstd_input_kept(z->options.size);
	return kept && most > most_kept ? most_kept : most;
}

uint64_t zstd_frames_room(const struct zstd_frames *z)
{
	/* two frames at work on one batch could not tell which of them is to free it */
	if (z->cut && !all_consumed(z))
		return 0;
	const struct zstd_frame *f = open_frame(z);
	uint64_t most = frame_input(z, f ? f->kept : z->queue->fifo);
	if (f)
		return zstd_frame_has_room(f) ? most - f->input : 0;
	return z->tail - z->head < z->frame_count ? most : 0;
}

bool zstd_frames_at_start(const struct zstd_frames *z)
{
	return open_frame(z) == NULL;
}

static struct zstd_frame *new_frame(struct zstd_frames *z)
{
	assert(z->tail - z->head < z->frame_count);
	struct zstd_frame *f = frame_at(z, z->tail++);
	zstd_frame_begin(f, env_now_ns(z->env), z->queue->fifo);
	return f;
}

void zstd_frames_put(struct zstd_frames *z, struct batch **b, uint32_t first, uint32_t end,
		     uint64_t bytes, bool last)
{
	assert(first < end);
	struct zstd_frame *f = open_frame(z);
	if (!f)
		f = new_frame(z);
	zstd_frame_put(f, (struct slice){.batch = *b, .first = first, .end = end, .last = last},
		       bytes);
	if (f->input >= frame_input(z, f->kept))
		f->ending = true;
	z->cut = !last;
	z->unflushed += last;
	if (last)
		*b = NULL;
}

void zstd_frames_put_nothing(struct zstd_frames *z)
{
	assert(!open_frame(z));
	new_frame(z)->ending = true;
}

bool zstd_frames_is_unflushed(const struct zstd_frames *z)
{
	const struct zstd_frame *f = open_frame(z);
	return f && f->dirty && !f->flush;
}

void zstd_frames_flush(struct zstd_frames *z)
{
	if (zstd_frames_is_unflushed(z))
		open_frame(z)->flush = true;
	z->unflushed = 0;
}

void zstd_frames_end(struct zstd_frames *z)
{
	struct zstd_frame *f = open_frame(z);
	if (f)
		f->ending = true;
}

static void end_old_frame(struct zstd_frames *z)
{
	struct zstd_frame *f = open_frame(z);
	if (!f)
		return;
	bool waits = z->options.patient && f->input < ZSTD_FRAME_WORTH;
	uint64_t end_at = f->started_ns + (waits ? ZSTD_FRAME_AGE_MAX_NS : ZSTD_FRAME_AGE_NS);
	if (env_now_ns(z->env) >= end_at)
		f->ending = true;
	else
		env_wake_at(z->env, end_at);
}

static int collect(struct zstd_frames *z)
{
	bool any = false;
	for (uint64_t i = z->head; i < z->tail; i++) {
		struct zstd_frame *f = frame_at(z, i);
		int r = 0;
		any |= zstd_frame_collect(f, &r);
		if (r < 0)
			return r;
		if (f->over && f->job.context) {
			f->job.context->busy = false;
			f->job.context = NULL;
		}
	}
	return any ? STEP_MORE : STEP_WAIT;
}

static struct zstd_context *idle_context(struct zstd_frames *z)
{
	for (unsigned i = 0; i < z->options.workers; i++)
		if (!z->contexts[i].busy)
			return &z->contexts[i];
	return NULL;
}

static int level_for(const struct zstd_frames *z, const struct zstd_frame *f)
{
	bool drops = z->dry && f->input < ZSTD_FRAME_DROPS && !f->ending;
	return drops ? hardest(z->options.level) : z->options.level;
}

/* The oldest frames first, so that the one to be written next is never without a context. */
static int submit(struct zstd_frames *z)
{
	bool any = false;
	for (uint64_t i = z->head; i < z->tail; i++) {
		struct zstd_frame *f = frame_at(z, i);
		if (!zstd_frame_has_work(f))
			continue;
		struct zstd_context *context = f->job.context ? f->job.context : idle_context(z);
		if (!context)
			break;
		if (!f->job.context && z->options.patient)
			zstd_context_set_level(context, level_for(z, f));
		context->busy = true;
		zstd_frame_submit(f, z->env->io, context);
		any = true;
	}
	return any ? STEP_MORE : STEP_WAIT;
}

static int retire(struct zstd_frames *z, struct stored *stored)
{
	bool any = false;
	if (z->writing && write_queue_take(z->queue)) {
		z->writing = false;
		zstd_frame_wrote(frame_at(z, z->head), z->write_length, stored);
		any = true;
	}
	while (!z->writing && z->head < z->tail && frame_at(z, z->head)->over &&
	       frame_at(z, z->head)->ready == frame_at(z, z->head)->written) {
		z->head++;
		any = true;
	}
	return any ? STEP_MORE : STEP_WAIT;
}

static bool is_too_much(const struct zstd_frames *z, size_t bytes)
{
	return z->options.length_max > 0 && !z->queue->stream && z->queue->end > 0 &&
	       z->queue->end + bytes > z->options.length_max;
}

static int write_head(struct zstd_frames *z)
{
	if (z->writing || z->head == z->tail || z->queue->fd < 0)
		return STEP_WAIT;
	struct zstd_frame *f = frame_at(z, z->head);
	size_t bytes = zstd_frame_writable(f);
	if (bytes == 0)
		return STEP_WAIT;
	z->wants_file = !f->begun && is_too_much(z, bytes);
	if (z->wants_file)
		return STEP_WAIT;
	if (!f->begun)
		z->begun_at = z->queue->end;
	f->begun = true;
	z->span = (struct iovec){.iov_base = f->job.output + f->written, .iov_len = bytes};
	z->write = (struct write){.spans = &z->span, .count = 1, .length = bytes};
	z->write_length = bytes;
	z->writing = true;
	write_queue_put(z->queue, &z->write);
	return STEP_MORE;
}

void zstd_frames_restart(struct zstd_frames *z)
{
	struct zstd_frame *f = z->head < z->tail ? frame_at(z, z->head) : NULL;
	if (!f || !f->begun || !f->kept)
		return;
	size_t end = f->written + (z->writing ? z->write_length : 0);
	bool all_read = z->writing && z->write.length == 0 && f->over && end == f->ready;
	if (all_read)
		return;
	f->written = 0;
	if (!z->writing)
		return;
	z->span = (struct iovec){.iov_base = f->job.output, .iov_len = end};
	z->write.spans = &z->span;
	z->write.count = 1;
	z->write.length = end;
	z->write.cut = 0;
	z->write_length = end;
}

int zstd_frames_step(struct zstd_frames *z, struct stored *stored)
{
	end_old_frame(z);
	int more = STEP_WAIT;
	int r = collect(z);
	if (r < 0)
		return r;
	more |= r;
	more |= retire(z, stored);
	more |= submit(z);
	more |= write_head(z);
	return more;
}

bool zstd_frames_is_empty(const struct zstd_frames *z)
{
	return z->head == z->tail;
}

bool zstd_frames_is_flushed(const struct zstd_frames *z)
{
	for (uint64_t i = z->head; i < z->tail; i++)
		if (!zstd_frame_is_flushed(frame_at(z, i)))
			return false;
	return !z->writing;
}

uint64_t zstd_frames_whole(const struct zstd_frames *z)
{
	assert(zstd_frames_is_flushed(z));
	bool inside = z->head < z->tail && frame_at(z, z->head)->begun;
	return inside ? z->begun_at : z->queue->end;
}

bool zstd_frames_is_between(const struct zstd_frames *z)
{
	return !z->writing && (z->head == z->tail || !frame_at(z, z->head)->begun);
}
