#include "stages/http_call/request_items.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { ITEMS_LEAST = 256, BYTES_LEAST = 16 * 1024 };

void request_items_release(struct request_items *i)
{
	free(i->bytes);
	free(i->list);
	*i = (struct request_items){.bytes = NULL};
}

void request_items_clear(struct request_items *i, size_t room_max)
{
	i->length = i->count = i->from = i->to = i->chunk = 0;
	if (i->room <= room_max)
		return;
	free(i->bytes);
	i->bytes = NULL;
	i->room = 0;
}

static int reserve_list(struct request_items *i)
{
	if (i->count < i->list_room)
		return 0;
	size_t room = i->list_room ? 2 * i->list_room : ITEMS_LEAST;
	struct request_item *list = reallocarray(i->list, room, sizeof *list);
	if (!list)
		return -ENOMEM;
	i->list = list;
	i->list_room = room;
	return 0;
}

int request_items_reserve(struct request_items *i, size_t bytes)
{
	if (reserve_list(i) < 0 || bytes > SIZE_MAX / 4 - i->length)
		return -ENOMEM;
	if (i->length + bytes <= i->room)
		return 0;
	size_t room = i->room < BYTES_LEAST ? BYTES_LEAST : i->room + i->room / 2;
	if (room < i->length + bytes)
		room = i->length + bytes;
	uint8_t *more = realloc(i->bytes, room);
	if (!more)
		return -ENOMEM;
	i->bytes = more;
	i->room = room;
	return 0;
}

void request_items_add(struct request_items *i, struct request_item item)
{
	assert(i->count < i->list_room && i->length + item.length <= i->room);
	item.offset = i->length;
	i->length += item.length;
	i->list[i->count++] = item;
}

void request_items_drop_last(struct request_items *i)
{
	assert(i->count > 0);
	i->length = i->list[--i->count].offset;
}

static void set_end(struct request_items *i)
{
	size_t left = i->count - i->from;
	i->to = i->from + (i->chunk > 0 && i->chunk < left ? i->chunk : left);
}

void request_items_begin(struct request_items *i)
{
	i->from = i->chunk = 0;
	set_end(i);
}

bool request_items_next(struct request_items *i)
{
	i->from = i->to;
	set_end(i);
	return i->to > i->from;
}

bool request_items_halve(struct request_items *i)
{
	size_t current = request_items_current(i);
	if (current < 2)
		return false;
	i->chunk = current / 2;
	set_end(i);
	return true;
}

void request_items_keep(struct request_items *i, const enum item_fate *fates)
{
	size_t at = i->to;
	for (size_t n = i->to; n-- > i->from;)
		if (fates[n - i->from] == ITEM_AGAIN)
			i->list[--at] = i->list[n];
	i->from = at;
}

size_t request_items_bytes(const struct request_items *i)
{
	size_t bytes = 0;
	for (size_t n = i->from; n < i->to; n++)
		bytes += i->list[n].length;
	return bytes;
}

void request_items_again(enum item_fate *fates, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fates[i] = ITEM_AGAIN;
}
