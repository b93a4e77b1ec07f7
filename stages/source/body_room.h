/* body_room.h - memory for bodies that are still coming in, in blocks of one size, shared so that one of them can always be finished.
 *
 *	bodies   oldest [#][#][#]            may take blocks up to what it may still need
 *	                [#]                  others only what is left beside that
 *	                [#][#]
 *	free     [ ][ ][ ][ ]                so the oldest is never stopped by those that will not end (E. W. Dijkstra's banker)
 *
 * Threads: the owner's. Memory: taken at once by body_room_init(). Layer: stages. */
#pragma once

#include "stages/chain.h"

#include <stdbool.h>
#include <stdint.h>

enum { BODY_BLOCK = 16 * 1024, BODY_LEAST_MAX = 64 };

struct body_block {
	struct body_block *next;
	uint32_t length;
	uint8_t bytes[BODY_BLOCK];
};

struct body_room {
	struct body_block *blocks, *free;
	size_t count, free_count;
	size_t
	    touched; /* blocks behind these have never been used, so that they take no memory yet */
	struct chain open; /* of bodies, the oldest first */
};

/* One body. */
struct body {
	struct body_block *first, *last;
	size_t blocks;      /* it has */
	size_t blocks_most; /* it may have */
	uint64_t length;
	struct chain link; /* while it is open */
};

/* Blocks that hold so many bytes, whatever they are put there in pieces of; at least one. */
size_t body_room_blocks(uint64_t bytes);

/* 0 or -ENOMEM. count: enough for any one body. */
int body_room_init(struct body_room *r, size_t count);
/* All bodies are gone. */
void body_room_release(struct body_room *r);

/* It may take so many bytes. */
void body_begin(struct body_room *r, struct body *b, uint64_t most);
/* No more will come: it is no longer one of those that wait for blocks. */
void body_end(struct body *b);
/* Gives its blocks back, whether it has ended or not. */
void body_drop(struct body_room *r, struct body *b);

/* Where the next bytes of it go, *ret_room of them, at least so many (up to BODY_LEAST_MAX); NULL: there is no block for it now, or it has all that it may have. */
uint8_t *body_space(struct body_room *r, struct body *b, size_t least, size_t *ret_room);
/* There would be a block for it if it needed one. */
bool body_may_grow(const struct body_room *r, const struct body *b);
/* So many were put there. */
void body_add(struct body *b, size_t n);

/* Gives the first block back. */
void body_pop(struct body_room *r, struct body *b);

/* Somebody who begins now could take a block. */
bool body_room_has(const struct body_room *r);
