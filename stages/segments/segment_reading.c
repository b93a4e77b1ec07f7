/* segment_reading.c - a segment log's front: its entries in order, from one segment to the next, and what is missing between. */
#include "stages/descriptor.h"
#include "stages/segments/segment_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

static void say_damage(struct segment_log *l, uint64_t segment, uint64_t offset, uint64_t bytes)
{
	l->damages++;
	l->damaged_bytes += bytes;
	counter_add(&l->space.counters->errors, 1);
	env_say(l->env, SAY_WARN, "segment damaged, what it held there is lost",
		"path=%s segment=%s offset=%ju bytes=%ju", l->path, segment_label(segment).text,
		(uintmax_t)offset, (uintmax_t)bytes);
}

static uint64_t readable(const struct segment_log *l)
{
	return l->options.only_durable ? l->durable : l->written;
}

bool segment_log_is_drained(const struct segment_log *l)
{
	return l->read >= readable(l) || l->skip_to >= readable(l);
}

void segment_log_skip(struct segment_log *l, uint64_t position)
{
	assert(position <= l->end);
	if (position > l->skip_to)
		l->skip_to = position;
}

static bool is_reading(const struct segment_log *l)
{
	return l->reader.op.busy || l->read_open.op.busy;
}

/* What is read next is what stands there, in whatever segment. */
static void go_to(struct segment_log *l, uint64_t position)
{
	assert(!is_reading(l) && position <= l->end);
	if (l->opens_next)
		segment_close_untaken(l, &l->read_open);
	l->opens_next = false;
	descriptor_close(l->env->io, &l->read_fd);
	l->read = position;
}

/* False: something is still under way that was to be read. */
static bool has_skipped(struct segment_log *l)
{
	if (l->skip_to <= l->read)
		return true;
	if (is_reading(l))
		return false;
	go_to(l, l->skip_to);
	return true;
}

/* The first segment that ends behind `read`; NULL: there is none. */
static const struct segment *segment_there(const struct segment_log *l)
{
	for (size_t i = 0; i < l->segment_count; i++)
		if (l->segments[i].base + l->segments[i].length > l->read)
			return &l->segments[i];
	return NULL;
}

/* Nothing stands from `read` up to there. */
static void pass_gap(struct segment_log *l, uint64_t to)
{
	const struct segment *before = NULL;
	for (size_t i = 0; i < l->segment_count && l->segments[i].base <= l->read; i++)
		before = &l->segments[i];
	uint64_t base = before ? before->base : l->read;
	say_damage(l, base, l->read - base, to - l->read);
	l->read = to;
}

/* STEP_DONE when that segment's file is open and being read. */
static int open_there(struct segment_log *l, const struct segment *s)
{
	if (l->read_fd >= 0 && l->read_base == s->base)
		return STEP_DONE;
	if (!l->opens_next) {
		descriptor_close(l->env->io, &l->read_fd);
		l->opens_next = true;
		l->read_base = s->base;
		segment_name(s->base, l->opened);
		steady_op_begin(&l->read_open,
				(struct io_op){.code = IO_OPEN,
					       .fd = l->directory,
					       .open = {.path = l->opened,
							.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
								 O_NOCTTY}});
	}
	int r = steady_op_step(&l->read_open);
	if (r != STEP_DONE)
		return STEP_WAIT;
	l->opens_next = false;
	int64_t result = segment_take_result(&l->read_open);
	if (result < 0)
		return segment_log_fail(l, "segment cannot be opened", result);
	l->read_fd = (int)result;
	segment_reader_begin(&l->reader, l->read_fd, s->base, l->read - s->base, l->salt);
	return STEP_DONE;
}

static int take_entry(struct segment_log *l, const struct segment_found_entry *e,
		      struct segment_entry *ret)
{
	ret->position = e->head.position;
	ret->bytes = e->payload;
	ret->length = e->head.length;
	ret->end = l->read = l->reader.base + l->reader.at;
	return 1;
}

static int read_there(struct segment_log *l, const struct segment *s, struct segment_entry *ret)
{
	uint64_t limit = readable(l) - s->base;
	struct segment_found_entry e;
	l->reader.limit = limit < s->length ? limit : s->length;
	int found = segment_reader_next(&l->reader, &e);
	if (found == SEGMENT_WAIT)
		return 0;
	if (found < 0) {
		segment_log_say_too_long(l);
		return found;
	}
	if (l->reader.lost > 0)
		say_damage(l, s->base, l->reader.lost_at, l->reader.lost);
	if (found == SEGMENT_FOUND)
		return take_entry(l, &e, ret);
	l->read = s->base + l->reader.limit;
	return -EAGAIN;
}

int segment_log_next(struct segment_log *l, struct segment_entry *ret_entry)
{
	assert(segment_log_is_open(l));
	int r = l->failed ? l->failed : -EAGAIN;
	if (r == -EAGAIN && !has_skipped(l))
		return 0;
	while (r == -EAGAIN && !segment_log_is_drained(l)) {
		const struct segment *s = segment_there(l);
		if (!s || s->base > l->read) {
			pass_gap(l, s && s->base < readable(l) ? s->base : readable(l));
			continue;
		}
		r = open_there(l, s);
		if (r == STEP_WAIT)
			return 0;
		if (r == STEP_DONE)
			r = read_there(l, s, ret_entry);
	}
	return r == -EAGAIN ? 0 : r;
}

void segment_log_end_reading(struct segment_log *l)
{
	go_to(l, l->end);
}

void segment_log_read_from(struct segment_log *l, uint64_t position)
{
	go_to(l, position);
}
