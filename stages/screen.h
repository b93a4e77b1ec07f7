/* screen.h - records to a terminal: what would steer it is escaped, so that no log line can move the cursor, rename the
 * window or type for its reader.
 *
 *   record  b e l l \a \e [ 3 1 m \xe9     ->     b e l l \ x 0 7 \ x 1 b [ 3 1 m \ x e 9
 *
 * Characters and tabs pass as they are; a newline and a carriage return within a record are \n and \r, any other
 * control, and any byte that is no UTF-8, \xNN. The delimiter is the topology's word and passes too.
 *
 * All is copied into one block: while that is being written nothing is put, which a terminal is slow enough for.
 *
 * Threads: the owner's. Memory: all taken by screen_init(). Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/stored.h"
#include "stages/write_queue.h"

struct screen {
	struct write_queue *queue;
	struct delimiter delimiter;
	uint8_t *block;
	size_t used;  /* of the block */
	size_t shown; /* of the record that comes next: how much is in a block */
	bool busy;    /* the block is with the queue */
	struct write write;
	struct iovec span;
	struct stored holds;
};

/* What screen_init() will take, in bytes. */
size_t screen_footprint(void);

/* 0 or -ENOMEM. The queue outlives it. */
int screen_init(struct screen *s, struct write_queue *queue, const struct delimiter *delimiter);

/* No write may be under way. Without effect on what is all zero. */
void screen_release(struct screen *s);

/* What bytes look like on a terminal; to has room for four times as many. Returns how many. */
size_t screen_escape(uint8_t *to, const void *bytes, size_t length);

/* Takes records of b from `first` on, as many as there is room for: returns how many. One that is taken in part is not
 * counted, and goes on with the next call. A batch is put to its end before the next one is begun. */
uint32_t screen_put(struct screen *s, const struct batch *b, uint32_t first);

/* All of the batch has been put: it is freed, and stored once the block is. Clears the caller's pointer. */
void screen_batch_end(struct screen *s, struct batch **b);

/* Gives the block to the queue, if there is anything in it. */
void screen_submit(struct screen *s);

/* Adds what has been written to *stored. True if there was anything. */
bool screen_retire(struct screen *s, struct stored *stored);

/* True if everything put is written and retired. */
bool screen_is_empty(const struct screen *s);
