/* gather.h - gathers records into few large writes: runs of neighbours straight from the batch's buffer, scattered
 * ones through a block of our own.
 *
 *   batches   [xxxxxxxxxxxxxx]  [.x..x...x]
 *                   |              \  |  /  copied
 *   parcel    spans { run, ........ block }  -> one write
 *
 *      retired        filling
 *         v              v
 *   [ -- | with the queue | open | -- ]     a ring of parcels
 *
 * A batch whose bytes were all copied is freed at once, any other when the write that holds its last byte is done.
 * Either is counted as stored only then, so batches are stored in the order in which they came. What is put may be a part of
 * a batch that others share (batch_share()): it counts as one.
 *
 * Threads: the owner's. Memory: all taken by gather_init(). Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/stored.h"
#include "stages/write_queue.h"

enum {
	GATHER_PARCELS = 4,
	GATHER_SPANS = 64,
	GATHER_BLOCK = 256 * 1024,
	GATHER_BLOCK_LEAST = 8 * 1024,
};

struct parcel {
	struct write write;
	struct iovec spans[GATHER_SPANS];
	unsigned span_count;
	uint8_t *block;
	size_t block_used;
	size_t length;
	struct batch *held[GATHER_SPANS +
			   1]; /* freed when it is written: each has a span here, or one before */
	unsigned held_count;
	struct stored holds;
};

struct gather {
	struct write_queue *queue;
	struct delimiter delimiter; /* the output's */
	uint8_t *blocks;
	size_t block;              /* the length of each */
	uint64_t retired, filling; /* only ever counted up; parcel = index % GATHER_PARCELS */
	bool referenced;           /* the current batch has bytes in a write */
	struct parcel parcels[GATHER_PARCELS];
};

/* What gather_init() will take, in bytes. */
size_t gather_footprint(size_t block);

/* Copies into blocks of that length: GATHER_BLOCK, or GATHER_BLOCK_LEAST at least, for writes that are smaller. 0 or -ENOMEM.
 * The queue outlives it. */
int gather_init(struct gather *g, struct write_queue *queue, const struct delimiter *delimiter,
		size_t block);

/* No write may be under way; what was not written is freed. Twice does no harm. */
void gather_release(struct gather *g);

/* Bytes put and not yet given to the queue. */
size_t gather_open_length(const struct gather *g);

/* True if gather_put() takes at least one record. */
bool gather_has_room(const struct gather *g);

/* True if everything put is written and retired. */
bool gather_is_empty(const struct gather *g);

/* Takes records [first, end) of b, or as many as there is room for: returns how many. A batch is put from its first
 * record to its last before the next one is begun, or a part of it likewise. */
uint32_t gather_put(struct gather *g, const struct batch *b, uint32_t first, uint32_t end);

/* All of the batch, or of the part, has been put. Takes it over; clears the caller's pointer. */
void gather_batch_end(struct gather *g, struct batch **b);

/* Gives what is open to the queue, if there is anything. */
void gather_submit(struct gather *g);

/* The same, unless a write under way will call for it soon and it is small: then waiting for that makes larger writes
 * and no one wait longer. */
void gather_submit_lazily(struct gather *g);

/* After a write failed for good: adds to *stored what was written of what is not retired, whole records and bytes. */
void gather_add_written(struct gather *g, struct stored *stored);

/* Frees what has been written, adding it to *stored. True if there was anything. */
bool gather_retire(struct gather *g, struct stored *stored);
