/* batch.h - what moves through queues: up to BATCH_RECORDS_MAX records over one shared, immutable buffer.
 *
 *   struct batch                          struct buffer (reference-counted, from a home's pool)
 *   +--------------------+                +--------------------------------------------------+
 *   | buffer ------------|--------------> | GET /a 200\nGET /b 500\nGET /c 200\n  (free)      |
 *   | records[0] {0,10}  |                +--------------------------------------------------+
 *   | records[1] {11,10} |                  ^0         ^11        ^22
 *   +--------------------+
 *
 * Fields of records are columns of values (stages/value.h), filled by parsers and read by expressions and encoders:
 *
 *   records[0] {0,10}    rows[0] = 0       column 0   [ 200 | 500 | 200 ]     values point into the buffer, or into one of
 *   records[1] {22,10}   rows[1] = 2       column 1   [ /a  | /b  | /c  ]     those that are held beside it
 *
 * A record that is filtered out takes its row number along; columns stay as they are.
 *
 * A filter edits the array, never the bytes. Records stand in the order of their offsets, do not overlap, and exclude
 * their delimiter. Between two records that were neighbours in the input lies exactly the delimiter, so that runs of
 * neighbours are written as they were read (batch_run).
 *
 * Threads: a batch belongs to one worker at a time (queues hand it over), who may share it with helpers that only read the
 * records they were told of; the buffer's bytes below what has been handed on are read by many and written by none. Memory: batch and buffer go back to the home they came from, from
 * any thread. Layer: stages. */
#pragma once

#include "ringbuf/counter.h"
#include "ringbuf/refcount.h"
#include "ringbuf/stack.h"
#include "stages/file_origin.h"
#include "stages/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BATCH_RECORDS_MAX = 4096,
	DELIMITER_MAX = 8,
	COLUMNS_MAX = 256,
	BATCH_HELD_MAX = 32,
};

struct home;

struct delimiter {
	uint8_t bytes[DELIMITER_MAX];
	uint8_t length; /* 1 to DELIMITER_MAX */
};

struct buffer {
	struct stack_node node; /* while free */
	struct refcount references;
	struct home *home;
	uint8_t *bytes;
	size_t capacity;
};

struct record {
	uint32_t offset; /* into buffer->bytes */
	uint32_t length;
};

struct batch {
	struct stack_node node; /* while free */
	struct batch *next;     /* for whoever holds it */
	struct refcount shares; /* batch_free() by the last one gives it back */
	struct home *home;
	struct value *
	    values; /* its columns, of BATCH_RECORDS_MAX rows each; as many as its home gives a batch */
	struct scratch room; /* what is free of the last one held */
	struct counter *
	    tally; /* NULL, or counts those of a kind that are in use: one less when it is given back */

	/* From here on it is the same in a clone. */
	struct buffer *buffer;      /* holds a reference while the batch is in use */
	const uint8_t *bytes;       /* buffer->bytes */
	const char *source;         /* the id of the stage that read it; NULL: none did */
	struct file_origin *origin; /* the file it was read from, held; NULL: none, or not known */
	uint64_t place;             /* of bytes[0] in what was read, unpacked; modulo 2^64 */
	bool has_place;             /* if not, `place` means nothing */
	struct delimiter delimiter;
	struct delimiter
	    unencoded; /* what stood between its records before they were encoded; length 0: they were not */
	bool
	    unterminated; /* the last record had no delimiter in the input (end of file, cut line) */
	uint64_t read_ns;     /* monotonic: when its first byte was read; for latency */
	int64_t wall_ns;      /* the same moment since 1970, UTC; stands in for a record's time */
	uint64_t bytes_total; /* sum of the records' lengths */
	uint64_t filled[COLUMNS_MAX / 64]; /* a bit for each column: 0 is MISSING in every row */
	uint32_t row_count;                /* 0: no column is filled, and the rows say nothing */
	uint32_t held_count;
	struct buffer *held[BATCH_HELD_MAX]; /* beside its own: what its values point into */
	uint32_t count;
	struct record records[BATCH_RECORDS_MAX];
	uint16_t rows[BATCH_RECORDS_MAX]; /* of each record */
};

/* A run of neighbours, delimiters included, ready to be written as one piece. */
struct batch_run {
	uint32_t first, count; /* records */
	const uint8_t *bytes;
	size_t
	    length; /* from the first record's start to the last one's end, without its delimiter */
	bool delimited; /* bytes[length..] holds the last one's delimiter too */
};

/* The run that begins at record `first`: as long as neighbours lie exactly one delimiter apart. */
struct batch_run batch_run(const struct batch *b, uint32_t first);

/* An empty batch over buffer, taking a reference of its own; NULL when the home has none free. Owner's thread. */
struct batch *batch_new(struct home *h, struct buffer *buffer);

/* The same records over the same buffer, in a batch from h; NULL when it has none free. Owner's thread. */
struct batch *batch_clone(struct home *h, const struct batch *b);

/* Every record has a row of its own from here on, unless they have some already. */
void batch_give_rows(struct batch *b);

static inline bool batch_has_column(const struct batch *b, unsigned column)
{
	return b->filled[column / 64] >> column % 64 & 1;
}

/* The column, by row, which is filled from here on: as it was, or MISSING in every row. The batch has rows. */
struct value *batch_column(struct batch *b, unsigned column);

/* The same, of a column that is not filled: for who then writes each record's row. What else is in it nobody reads. */
struct value *batch_column_unset(struct batch *b, unsigned column);

/* It is MISSING in every row from here on. */
static inline void batch_drop_column(struct batch *b, unsigned column)
{
	b->filled[column / 64] &= ~(UINT64_C(1) << column % 64);
}

/* To be read only. */
const struct value *batch_column_as_is(const struct batch *b, unsigned column);

/* Its first so many records are no part of it any more. It has rows. */
void batch_drop_front(struct batch *b, uint32_t count);

/* b->room for what a stage makes of this batch, as much as a buffer of h has: one that the stage's `scratch` spoke of, so there is
 * one free; what is left of the room before is given up. Where b holds as many as it can there is just less room, and "out of room"
 * an error like any other. Owner of h. */
void batch_make_room(struct batch *b, struct home *h);

/* What stands in the buffer is replaced: b's records are now over that one, and the one before is held for the values that
 * point into it. From then on nothing is known of where in the file they stood (known_keep_offsets() comes before). False: b holds
 * as many as it can. */
bool batch_rebase(struct batch *b, struct buffer *buffer);

/* One more has to free it: returns b. */
struct batch *batch_share(struct batch *b);

/* From here on it counts there until it is given back; then `tally` may not be there any more. */
void batch_count_in(struct batch *b, struct counter *tally);

/* Gives the batch, and its hold on buffers, back, unless others share it. Any thread. Clears the caller's pointer. */
void batch_free(struct batch **b);

void buffer_hold(struct buffer *b);
void buffer_let_go(struct buffer *b);
