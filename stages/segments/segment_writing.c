/* segment_writing.c - a segment log's end: what is put gathers in one buffer while the other one is written; a buffer belongs to one
 * segment, and its file is made when all of the one before is on disk, so that only the newest can be torn by a crash.
 *
 *   NOTHING --> [ROLL --> CREATE] --> BYTES --> NOTHING             beside it: DATA --> [DIRECTORY] --> durable
 */
#include "stages/descriptor.h"
#include "stages/segments/segment_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- appending ---- */

static bool is_to_roll(struct segment_log *l, uint64_t entry)
{
	const struct segment *last = segment_last(l);
	return !l->has_tail ||
	       (last->length > SEGMENT_HEAD && last->length + entry > l->segment_bytes);
}

static uint64_t bytes_that_count(const struct segment_log *l)
{
	uint64_t counted = l->end - l->counted_from;
	return counted < l->bytes ? counted : l->bytes;
}

bool segment_log_is_full(const struct segment_log *l, size_t length)
{
	return bytes_that_count(l) + SEGMENT_HEAD + segment_entry_bytes(length) >
	       l->options.max_bytes;
}

void segment_log_count_from(struct segment_log *l, uint64_t position)
{
	assert(position <= l->end);
	l->counted_from = position;
}

/* There is as much room as is usual; what goes beyond max_bytes may need more. */
static bool has_segment_room(struct segment_log *l)
{
	if (l->segment_count < l->segment_room)
		return true;
	size_t room = 2 * l->segment_room + 1;
	struct segment *segments = realloc(l->segments, room * sizeof *segments);
	if (!segments)
		return false;
	l->segments = segments;
	l->segment_room = room;
	return true;
}

/* The buffer goes out as it is, and the other one is filled. False: that one is not written yet. */
static bool is_switched(struct segment_log *l)
{
	if (l->writing != WRITING_NOTHING)
		return false;
	segment_writing_step(l);
	return true;
}

uint8_t *segment_log_reserve(struct segment_log *l, size_t length)
{
	assert(segment_log_is_open(l) && length <= l->options.payload_max);
	uint64_t entry = segment_entry_bytes(length);
	l->reserved = 0;
	if (l->failed || segment_log_is_full(l, length))
		return NULL;
	l->reserved_rolls = is_to_roll(l, entry);
	if (l->reserved_rolls && !has_segment_room(l))
		return NULL;
	const struct segment_buffer *b = &l->buffers[l->filling];
	size_t head = l->reserved_rolls ? SEGMENT_HEAD : 0;
	bool fits = b->length + head + entry <= l->buffer_room;
	if (b->length > 0 && (l->reserved_rolls || !fits)) {
		if (!is_switched(l))
			return NULL;
		b = &l->buffers[l->filling];
	}
	l->reserved = (size_t)entry;
	return b->bytes + b->length + head + SEGMENT_ENTRY_HEAD;
}

static void begin_segment(struct segment_log *l, struct segment_buffer *b)
{
	struct segment_head head = {.base = l->end, .salt = l->salt};
	assert(b->length == 0 && l->segment_count < l->segment_room);
	segment_head_write(b->bytes, &head);
	b->length = SEGMENT_HEAD;
	b->begins_segment = true;
	b->base = l->end;
	l->segments[l->segment_count++] = (struct segment){.base = l->end, .length = SEGMENT_HEAD};
	l->has_tail = true;
	l->end += SEGMENT_HEAD;
	l->bytes += SEGMENT_HEAD;
}

uint64_t segment_log_put(struct segment_log *l, size_t length)
{
	struct segment_buffer *b = &l->buffers[l->filling];
	size_t entry = (size_t)segment_entry_bytes(length);
	assert(l->reserved >= entry);
	l->reserved = 0;
	if (l->reserved_rolls)
		begin_segment(l, b);
	struct segment_entry_head head = {
	    .position = l->end, .durable = l->durable, .length = (uint32_t)length};
	segment_entry_seal(b->bytes + b->length, l->salt, &head);
	b->length += entry;
	segment_last(l)->length += entry;
	l->bytes += entry;
	l->end += entry;
	return l->end;
}

/* ---- writing ---- */

static struct segment_buffer *written_buffer(struct segment_log *l)
{
	return &l->buffers[!l->filling];
}

/* Where it goes in its file. */
static uint64_t offset_of(struct segment_log *l)
{
	const struct segment *s = segment_last(l);
	for (; s->base > l->written; s--)
		;
	return l->written - s->base + written_buffer(l)->length - l->span.iov_len;
}

static int write_bytes(struct segment_log *l)
{
	l->writing = WRITING_BYTES;
	steady_op_begin(
	    &l->write,
	    (struct io_op){.code = IO_WRITE,
			   .fd = l->fd,
			   .write = {.spans = &l->span, .count = 1, .at = offset_of(l)}});
	return STEP_MORE;
}

static int begin(struct segment_log *l)
{
	if (l->buffers[l->filling].length == 0)
		return STEP_WAIT;
	l->filling = !l->filling;
	l->reserved = 0;
	const struct segment_buffer *b = written_buffer(l);
	l->span = (struct iovec){.iov_base = b->bytes, .iov_len = b->length};
	if (!b->begins_segment)
		return write_bytes(l);
	l->writing = WRITING_ROLL;
	return STEP_MORE;
}

static int roll(struct segment_log *l)
{
	if (l->durable < l->written && l->sync_wanted < l->written) {
		l->sync_wanted = l->written;
		return STEP_MORE;
	}
	if (l->durable < l->written || l->syncing != SYNCING_NOTHING || l->bringing.busy)
		return STEP_WAIT;
	descriptor_close(l->env->io, &l->fd);
	l->writing = WRITING_CREATE;
	l->is_named = false;
	l->brought = l->written;
	segment_name(written_buffer(l)->base, l->created);
	steady_op_begin(&l->write,
			(struct io_op){.code = IO_OPEN,
				       .fd = l->directory,
				       .open = {.path = l->created,
						.flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
							 O_NOFOLLOW | O_NOCTTY,
						.mode = 0600}});
	return STEP_MORE;
}

static void on_brought(struct io_op *op)
{
	(void)op; /* a sync will tell */
}

/* What will be synced begins to go to the disk, so that the sync has little to wait for. */
static void bring(struct segment_log *l)
{
	uint64_t worth = l->env->io->back_bytes ? l->env->io->back_bytes : WRITE_BACK_BYTES;
	uint64_t from = l->brought > l->durable ? l->brought : l->durable;
	if (l->bringing.busy || l->written - from < worth || from < segment_last(l)->base)
		return;
	l->bringing = (struct io_op){
	    .code = IO_WRITE_BACK,
	    .fd = l->fd,
	    .write_back = {.at = from - segment_last(l)->base, .length = l->written - from},
	    .done = on_brought};
	l->brought = l->written;
	io_submit(l->env->io, &l->bringing);
}

static int take_written(struct segment_log *l, size_t n)
{
	struct segment_buffer *b = written_buffer(l);
	l->span.iov_base = (uint8_t *)l->span.iov_base + n;
	l->span.iov_len -= n;
	if (l->span.iov_len > 0)
		return write_bytes(l);
	l->written += b->length;
	b->length = 0;
	b->begins_segment = false;
	l->writing = WRITING_NOTHING;
	bring(l);
	return STEP_MORE;
}

static int go_on(struct segment_log *l)
{
	int r = steady_op_step(&l->write);
	if (r != STEP_DONE)
		return r;
	int64_t result = segment_take_result(&l->write);
	if (result < 0 || (result == 0 && l->writing == WRITING_BYTES))
		return segment_log_fail(l, "segment cannot be written", result < 0 ? result : -EIO);
	if (l->writing == WRITING_BYTES)
		return take_written(l, (size_t)result);
	l->fd = (int)result;
	return write_bytes(l);
}

int segment_writing_step(struct segment_log *l)
{
	if (l->writing == WRITING_NOTHING)
		return begin(l);
	if (l->writing == WRITING_ROLL)
		return roll(l);
	return go_on(l);
}

/* ---- syncing ---- */

void segment_log_sync(struct segment_log *l)
{
	l->sync_wanted = l->end;
}

static int begin_sync(struct segment_log *l)
{
	if (l->sync_wanted <= l->durable || l->written == l->durable)
		return STEP_WAIT;
	l->syncing = SYNCING_DATA;
	l->sync_covers = l->written;
	steady_op_begin(&l->sync, (struct io_op){.code = IO_DATASYNC, .fd = l->fd});
	return STEP_MORE;
}

int segment_syncing_step(struct segment_log *l)
{
	if (l->syncing == SYNCING_NOTHING)
		return begin_sync(l);
	int r = steady_op_step(&l->sync);
	if (r != STEP_DONE)
		return r;
	if (l->sync.result < 0) {
		segment_log_fail(l, "segment cannot be synced", l->sync.result);
		l->failed = -EIO;
		return l->failed;
	}
	if (l->syncing == SYNCING_DATA && !l->is_named) {
		l->syncing = SYNCING_DIRECTORY;
		steady_op_begin(&l->sync, (struct io_op){.code = IO_SYNC, .fd = l->directory});
		return STEP_MORE;
	}
	l->is_named = true;
	l->syncing = SYNCING_NOTHING;
	l->durable = l->sync_covers;
	return STEP_MORE;
}
