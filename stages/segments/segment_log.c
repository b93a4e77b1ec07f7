#include "stages/descriptor.h"
#include "stages/segments/segment_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 8, MAX_BYTES_MIN = 64 * 1024, BUFFER_MIN = 256 * 1024 };
#define SEGMENT_BYTES_MAX UINT64_C(0x4000000)

static size_t buffer_room(size_t payload_max)
{
	size_t least = SEGMENT_HEAD + (size_t)segment_entry_bytes(payload_max);
	return least > BUFFER_MIN ? least : BUFFER_MIN;
}

size_t segment_log_memory(size_t payload_max)
{
	return 3 * buffer_room(payload_max);
}

uint64_t segment_log_max_bytes_min(size_t payload_max)
{
	uint64_t least = 4 * (SEGMENT_HEAD + segment_entry_bytes(payload_max));
	return least > MAX_BYTES_MIN ? least : MAX_BYTES_MIN;
}

static uint64_t segment_bytes(uint64_t max_bytes)
{
	uint64_t bytes = max_bytes / PARTS;
	return bytes < SEGMENT_BYTES_MAX ? bytes : SEGMENT_BYTES_MAX;
}

static int take_memory(struct segment_log *l)
{
	for (unsigned i = 0; i < 2; i++) {
		l->buffers[i].bytes = malloc(l->buffer_room);
		if (!l->buffers[i].bytes)
			return -ENOMEM;
	}
	return segment_reader_init(&l->reader, l->env, l->path, l->buffer_room);
}

int segment_log_init(struct segment_log *l, struct env *env, struct stage_counters *counters,
		     const struct segment_log_options *options)
{
	*l = (struct segment_log){.env = env,
				  .options = *options,
				  .salt = options->salt,
				  .above = -1,
				  .directory = -1,
				  .fd = -1,
				  .read_fd = -1};
	l->buffer_room = buffer_room(options->payload_max);
	l->segment_bytes = segment_bytes(options->max_bytes);
	int n = snprintf(l->path, sizeof l->path, "%s/%s", options->state_dir, options->name);
	if (n < 0 || (size_t)n >= sizeof l->path)
		return -ENAMETOOLONG;
	space_wait_init(&l->space, env, counters);
	space_wait_init(&l->files, env, counters);
	steady_op_init(&l->opening, env, &l->space, l->path);
	steady_op_init(&l->write, env, &l->space, l->path);
	steady_op_init(&l->sync, env, &l->space, l->path);
	steady_op_init(&l->read_open, env, &l->files, l->path);
	l->opening.awaits_files = l->write.awaits_files = l->read_open.awaits_files = true;
	return take_memory(l);
}

void segment_close_untaken(struct segment_log *l, struct steady_op *o)
{
	int fd = (int)o->op.result;
	if (o->op.done && o->op.code == IO_OPEN && fd >= 0)
		descriptor_close(l->env->io, &fd);
	o->op.result = -1;
}

void segment_log_release(struct segment_log *l)
{
	assert(!segment_log_is_busy(l));
	io_listing_release(&l->listing);
	segment_close_untaken(l, &l->opening);
	segment_close_untaken(l, &l->write);
	segment_close_untaken(l, &l->read_open);
	for (unsigned i = 0; i < 2; i++)
		free(l->buffers[i].bytes);
	segment_reader_release(&l->reader);
	free(l->segments);
	int *const descriptors[] = {&l->above, &l->directory, &l->fd, &l->read_fd};
	for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++)
		descriptor_close(l->env->io, descriptors[i]);
	l->segments = NULL;
	l->buffers[0].bytes = l->buffers[1].bytes = NULL;
}

bool segment_log_is_busy(const struct segment_log *l)
{
	return l->opening.op.busy || l->write.op.busy || l->sync.op.busy || l->read_open.op.busy ||
	       l->reader.op.busy || l->trimming.busy || l->bringing.busy;
}

int segment_log_fail(struct segment_log *l, const char *event, int64_t result)
{
	env_say(l->env, SAY_ERROR, event, "path=%s error=%s", l->path, strerror((int)-result));
	counter_add(&l->space.counters->errors, 1);
	l->failed = (int)result;
	return l->failed;
}

/* ---- trimming ---- */

static void on_trimmed(struct io_op *op)
{
	struct segment_log *l = op->owner;
	if (op->result == 0 || op->result == -ENOENT)
		return;
	counter_add(&l->space.counters->errors, 1);
	env_say(l->env, SAY_WARN, "segment cannot be deleted", "path=%s segment=%s error=%s",
		l->path, l->trimmed, strerror((int)-op->result));
}

/* One that is not deleted, as that failed or a crash undid it, lies before what is needed at the next start, and goes then. */
static int trim(struct segment_log *l)
{
	if (l->trimming.busy)
		return STEP_WAIT;
	if (l->segment_count < 2 || l->segments[1].base > l->trim_to)
		return STEP_WAIT;
	segment_name(l->segments[0].base, l->trimmed);
	l->bytes -= l->segments[0].length;
	l->segment_count--;
	memmove(l->segments, l->segments + 1, l->segment_count * sizeof *l->segments);
	l->trimming = (struct io_op){.code = IO_UNLINK,
				     .fd = l->directory,
				     .unlink = {.path = l->trimmed},
				     .done = on_trimmed,
				     .owner = l};
	io_submit(l->env->io, &l->trimming);
	return STEP_MORE;
}

void segment_log_trim(struct segment_log *l, uint64_t position)
{
	assert(position <= l->written);
	if (position > l->trim_to)
		l->trim_to = position;
}

/* ---- all of it ---- */

int segment_log_step(struct segment_log *l)
{
	int (*const parts[])(struct segment_log *) = {segment_writing_step, segment_syncing_step,
						      trim};
	if (l->failed)
		return l->failed;
	if (l->state != SEGMENTS_OPEN)
		return segment_opening_step(l);
	int r = STEP_WAIT;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		int part = parts[i](l);
		if (part < 0)
			return part;
		if (part == STEP_MORE)
			r = STEP_MORE;
	}
	return r;
}
