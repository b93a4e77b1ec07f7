#include "stages/source/body_room.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

size_t body_room_blocks(uint64_t bytes)
{
	uint64_t each = BODY_BLOCK - BODY_LEAST_MAX;
	return (size_t)(bytes / each +
			2); /* one more, so that there is room left behind the last byte */
}

static void give_back(struct body_room *r, struct body_block *b)
{
	b->next = r->free;
	r->free = b;
	r->free_count++;
}

int body_room_init(struct body_room *r, size_t count)
{
	assert(count > 0);
	*r = (struct body_room){.blocks = malloc(count * sizeof *r->blocks), .count = count};
	chain_init(&r->open);
	if (!r->blocks)
		return -ENOMEM;
	r->free_count = count;
	return 0;
}

void body_room_release(struct body_room *r)
{
	assert(r->free_count == r->count || !r->blocks);
	free(r->blocks);
	r->blocks = r->free = NULL;
}

void body_begin(struct body_room *r, struct body *b, uint64_t most)
{
	*b = (struct body){.blocks_most = body_room_blocks(most)};
	assert(b->blocks_most <= r->count);
	chain_init(&b->link);
	chain_append(&r->open, &b->link);
}

void body_end(struct body *b)
{
	chain_unlink(&b->link);
}

void body_drop(struct body_room *r, struct body *b)
{
	body_end(b);
	while (b->first)
		body_pop(r, b);
}

/* What has to stay free for the oldest of those that are open, unless it is this one. */
static size_t kept_for_oldest(const struct body_room *r, const struct body *but)
{
	const struct chain *first = chain_first(&r->open);
	if (!first)
		return 0;
	const struct body *oldest = chain_owner(first, struct body, link);
	return oldest == but ? 0 : oldest->blocks_most - oldest->blocks;
}

bool body_room_has(const struct body_room *r)
{
	return r->free_count > kept_for_oldest(r, NULL);
}

static struct body_block *take_block(struct body_room *r)
{
	struct body_block *block = r->free;
	if (block)
		r->free = block->next;
	else
		block = &r->blocks[r->touched++];
	r->free_count--;
	return block;
}

bool body_may_grow(const struct body_room *r, const struct body *b)
{
	return b->blocks < b->blocks_most && r->free_count > kept_for_oldest(r, b);
}

static bool add_block(struct body_room *r, struct body *b)
{
	if (!body_may_grow(r, b))
		return false;
	struct body_block *block = take_block(r);
	block->next = NULL;
	block->length = 0;
	if (b->last)
		b->last->next = block;
	else
		b->first = block;
	b->last = block;
	b->blocks++;
	return true;
}

uint8_t *body_space(struct body_room *r, struct body *b, size_t least, size_t *ret_room)
{
	assert(least >= 1 && least <= BODY_LEAST_MAX);
	if ((!b->last || BODY_BLOCK - b->last->length < least) && !add_block(r, b))
		return NULL;
	*ret_room = BODY_BLOCK - b->last->length;
	return b->last->bytes + b->last->length;
}

void body_add(struct body *b, size_t n)
{
	assert(b->last && n <= BODY_BLOCK - b->last->length);
	b->last->length += (uint32_t)n;
	b->length += n;
}

void body_pop(struct body_room *r, struct body *b)
{
	struct body_block *block = b->first;
	b->first = block->next;
	if (!b->first)
		b->last = NULL;
	b->blocks--;
	give_back(r, block);
}
