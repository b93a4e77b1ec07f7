/* batch.h - what moves through queues: up to BATCH_RECORDS_MAX records over one shared, immutable buffer.
 *
 *   struct batch                          struct buffer (reference-counted, from a home's pool)
 *   +--------------------+                +--------------------------------------------------+
 *   | buffer ------------|--------------> | GET /a 200\nGET /b 500\nGET /c 200\n  (free)      |
 *   | records[0] {0,10}  |                +--------------------------------------------------+
 *   | records[1] {11,10} |                  ^0         ^11        ^22
 *   +--------------------+
 *
 * A filter edits the array, never the bytes. Records stand in the order of their offsets, do not overlap, and exclude
 * their delimiter. Between two records that were neighbours in the input lies exactly the delimiter, so that runs of
 * neighbours are written as they were read (batch_run).
 *
 * Threads: a batch belongs to one worker at a time (queues hand it over); the buffer's bytes below what has been
 * handed on are read by many and written by none. Memory: batch and buffer go back to the home they came from, from
 * any thread. Layer: stages. */
#pragma once

#include "ringbuf/refcount.h"
#include "ringbuf/stack.h"

#include <stddef.h>
#include <stdint.h>

enum {
	BATCH_RECORDS_MAX = 4096,
	DELIMITER_MAX = 8,
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
	struct home *home;
	struct buffer *buffer; /* holds a reference while the batch is in use */
	const uint8_t *bytes;  /* buffer->bytes */
	struct delimiter delimiter;
	bool
	    unterminated; /* the last record had no delimiter in the input (end of file, cut line) */
	uint64_t read_ns;     /* monotonic: when its first byte was read; for latency */
	int64_t wall_ns;      /* the same moment since 1970, UTC; stands in for a record's time */
	uint64_t bytes_total; /* sum of the records' lengths */
	uint32_t count;
	struct record records[BATCH_RECORDS_MAX];
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

/* Gives the batch, and its hold on the buffer, back. Any thread. Clears the caller's pointer. */
void batch_free(struct batch **b);

void buffer_hold(struct buffer *b);
void buffer_let_go(struct buffer *b);
