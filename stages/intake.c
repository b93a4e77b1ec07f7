#include "stages/intake.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { ALIGNMENT = 4096 };

static size_t round_up(size_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t intake_capacity(size_t max_line, size_t read_size)
{
	return round_up(ALIGNMENT + max_line + DELIMITER_MAX + read_size);
}

void intake_init(struct intake *i, struct home *home, const struct framing *rules, size_t read_size)
{
	*i = (struct intake){.home = home, .rules = rules, .read_size = read_size};
}

void intake_release(struct intake *i)
{
	if (i->buffer)
		buffer_let_go(i->buffer);
	*i = (struct intake){.home = NULL};
}

static size_t room_behind(const struct intake *i)
{
	return i->buffer ? i->buffer->capacity - i->to : 0;
}

/* Moves what is not framed in front of an aligned place in `to`, which may be the same buffer. */
static void move_pending(struct intake *i, struct buffer *to)
{
	size_t pending = intake_pending(i);
	size_t place = round_up(pending);
	assert(place + i->read_size <= to->capacity);
	if (pending > 0)
		memmove(to->bytes + place - pending, i->buffer->bytes + i->from, pending);
	i->from = place - pending;
	i->to = place;
	i->was_large = false;
}

static bool move_on(struct intake *i)
{
	if (i->buffer && refcount_is_only(&i->buffer->references)) {
		move_pending(i, i->buffer);
		return true;
	}
	struct buffer *fresh = home_take_buffer(i->home);
	if (!fresh)
		return false;
	move_pending(i, fresh);
	if (i->buffer)
		buffer_let_go(i->buffer);
	i->buffer = fresh;
	return true;
}

int intake_room(struct intake *i, uint8_t **ret_bytes, size_t *ret_length)
{
	bool cramped = room_behind(i) < i->read_size / 4 + 1;
	if ((cramped || i->was_large) && !move_on(i) && cramped)
		return -EAGAIN;
	size_t room = room_behind(i);
	*ret_bytes = i->buffer->bytes + i->to;
	*ret_length = room < i->read_size ? room : i->read_size;
	return 0;
}

void intake_add(struct intake *i, size_t n, uint64_t read_ns, int64_t wall_ns)
{
	assert(i->buffer && n <= room_behind(i));
	i->to += n;
	i->was_large = n >= i->read_size / 4 + 1;
	i->read_ns = read_ns;
	i->wall_ns = wall_ns;
}

static void say_where_from(const struct intake *i, struct batch *b)
{
	if (i->origin)
		file_origin_hold(i->origin);
	b->origin = i->origin;
	b->place = i->place - i->from;
	b->has_place = i->place_known;
	b->read_ns = i->read_ns;
	b->wall_ns = i->wall_ns;
}

/* What is in b lies before `next`. */
static int hand_on(struct intake *i, struct batch *b, size_t next, struct batch **ret_batch,
		   size_t *ret_consumed)
{
	size_t consumed = next - i->from;
	say_where_from(i, b);
	*ret_consumed = consumed;
	i->offset += consumed;
	i->place += consumed;
	i->from = next;
	if (b->count == 0) {
		batch_free(&b);
		return 0;
	}
	*ret_batch = b;
	return 1;
}

int intake_frame(struct intake *i, struct framer *f, bool ended, struct batch **ret_batch,
		 size_t *ret_consumed)
{
	*ret_consumed = 0;
	size_t pending = intake_pending(i);
	if (ended ? pending == 0 : framer_is_starved(f, i->rules, pending))
		return 0;
	struct batch *b = batch_new(i->home, i->buffer);
	if (!b)
		return -EAGAIN;
	struct framer_place place = {i->path, i->offset - i->from, i->offset_known};
	size_t next = framer_fill(f, i->rules, b, i->from, i->to, ended, &place);
	return hand_on(i, b, next, ret_batch, ret_consumed);
}

int intake_close(struct intake *i, struct framer *f, struct batch **ret_batch, size_t *ret_consumed)
{
	*ret_consumed = 0;
	if (!framer_is_open(f))
		return 0;
	struct batch *b = batch_new(i->home, i->buffer);
	if (!b)
		return -EAGAIN;
	size_t next = framer_close(f, i->rules, b, i->from);
	return hand_on(i, b, next, ret_batch, ret_consumed);
}

void intake_forget(struct intake *i)
{
	i->from = i->to;
}
