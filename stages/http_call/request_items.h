/* request_items.h - the records of one request, each written as the server wants it; which of them go next.
 *
 *   bytes   [ item 0 | item 1 | item 2 | item 3 ]
 *   list      done     from ......... to   later       [from, to) are what the next body is made of
 *
 * Threads: the owner's. Memory: malloc; what it grew to stays, up to the limit that is given to request_items_clear(). Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request_item {
	size_t offset;
	uint32_t length;
	uint32_t head;   /* so many of its bytes tell what it belongs to; 0 where nothing does */
	int64_t time_ns; /* since 1970; where the form needs it */
	uint32_t batch, record; /* for whoever holds these */
};

/* What became of an item. */
enum item_fate { ITEM_STORED, ITEM_AGAIN, ITEM_REFUSED };

struct request_items {
	uint8_t *bytes;
	size_t length, room;
	struct request_item *list;
	size_t count, list_room;
	size_t from, to;
	size_t chunk; /* so many at a time; 0: all of them */
};

void request_items_release(struct request_items *i);

/* None; gives back what is beyond so many bytes. */
void request_items_clear(struct request_items *i, size_t room_max);

/* Room for an item of so many bytes, behind those there are. 0 or -ENOMEM. */
int request_items_reserve(struct request_items *i, size_t bytes);

/* It has been written there, item.length bytes. */
void request_items_add(struct request_items *i, struct request_item item);

/* The last one is none. */
void request_items_drop_last(struct request_items *i);

/* All are complete: the first ones are to go. */
void request_items_begin(struct request_items *i);

/* Those from `from` to `to` have gone. False: all have. */
bool request_items_next(struct request_items *i);

/* They are too many at a time: half of them go, and no more than that from then on. False: it is one. */
bool request_items_halve(struct request_items *i);

/* Of those between `from` and `to`, those go again whose fate is that; one for each. */
void request_items_keep(struct request_items *i, const enum item_fate *fates);

static inline size_t request_items_current(const struct request_items *i)
{
	return i->to - i->from;
}

static inline const uint8_t *request_item_bytes(const struct request_items *i, size_t n)
{
	return i->bytes + i->list[n].offset;
}

/* Of those between `from` and `to`. */
size_t request_items_bytes(const struct request_items *i);

/* All of so many go again. */
void request_items_again(enum item_fate *fates, size_t count);
