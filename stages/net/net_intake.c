#include "stages/net/net_intake.h"

#include <assert.h>
#include <errno.h>

enum { ALIGNMENT = 4096 };

static size_t round_up(size_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t net_intake_capacity(size_t held_max)
{
	return round_up(ALIGNMENT + held_max + NET_READ);
}

void net_intake_init(struct net_intake *i, struct home *home, int column)
{
	*i = (struct net_intake){.home = home, .column = column};
}

void net_intake_release(struct net_intake *i)
{
	batch_free(&i->batch);
	if (i->buffer)
		buffer_let_go(i->buffer);
	*i = (struct net_intake){.home = NULL};
}

static bool has_records(const struct net_intake *i)
{
	return i->batch && i->batch->count > 0;
}

/* The same one from its front if nobody has anything of it any more: then what is read is still in the cache. */
static bool move_on(struct net_intake *i)
{
	if (!i->buffer || !refcount_is_only(&i->buffer->references)) {
		struct buffer *fresh = home_take_buffer(i->home);
		if (!fresh)
			return false;
		if (i->buffer)
			buffer_let_go(i->buffer);
		i->buffer = fresh;
	}
	i->to = 0;
	i->was_large = false;
	return true;
}

/* Behind the records; at the front of a buffer such that the read is aligned. */
static size_t place_of(const struct net_intake *i, size_t before)
{
	return i->to == 0 ? round_up(before) : i->to + before;
}

static bool is_cramped(const struct net_intake *i, size_t before)
{
	return !i->buffer || place_of(i, before) + NET_READ / 4 > i->buffer->capacity;
}

int net_intake_room(struct net_intake *i, size_t before, uint8_t **ret_bytes, size_t *ret_length)
{
	bool cramped = is_cramped(i, before);
	if (cramped && has_records(i))
		return -ENOBUFS;
	if (cramped || (i->was_large && !has_records(i))) {
		batch_free(&i->batch);
		if (!move_on(i) && cramped)
			return -EAGAIN;
	}
	size_t place = place_of(i, before);
	assert(place + 1 < i->buffer->capacity);
	size_t room = i->buffer->capacity - place - 1; /* a delimiter may come behind it all */
	*ret_bytes = i->buffer->bytes + place;
	*ret_length = room < NET_READ ? room : NET_READ;
	return 0;
}

struct batch *net_intake_batch(struct net_intake *i, uint64_t read_ns, int64_t wall_ns)
{
	assert(i->buffer);
	if (!i->batch)
		i->batch = batch_new(i->home, i->buffer);
	if (i->batch && i->batch->count == 0) {
		i->batch->read_ns = read_ns;
		i->batch->wall_ns = wall_ns;
	}
	return i->batch;
}

void net_intake_name(struct net_intake *i, uint32_t first, const uint8_t *name, uint32_t length)
{
	if (i->column < 0)
		return;
	struct value *names = i->batch->values + (size_t)i->column * BATCH_RECORDS_MAX;
	for (uint32_t k = first; k < i->batch->count; k++)
		names[k] = (struct value){.bytes = name, .length = length, .type = VALUE_STRING};
}

void net_intake_keep(struct net_intake *i, size_t offset, bool large)
{
	assert(offset >= i->to && offset <= i->buffer->capacity);
	i->to = offset;
	i->was_large |= large;
}

struct batch *net_intake_take(struct net_intake *i)
{
	struct batch *b = i->batch;
	if (!has_records(i))
		return NULL;
	i->batch = NULL;
	if (i->column >= 0) {
		batch_give_rows(b);
		batch_column_unset(b, (unsigned)i->column);
	}
	return b;
}
