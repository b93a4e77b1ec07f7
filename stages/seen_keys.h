/* seen_keys.h - which keys were seen lately: the newest so many, and of those the ones that were first seen no longer ago than
 * the window.
 *
 *   number   first ............................ next         in the order in which they were first seen
 *   ring     [ hash, when | hash, when | hash, when ]        a key's second sight changes nothing
 *   table    hash -> number % capacity                       open addressing, half empty
 *
 *   remembered   "head" -> first, next, the clock;   "k" n -> the keys numbered n * 64 and on, as many as there are of 64
 *
 * A key is the 128 bits of its hash. By chance two of 2^n different keys share one with a probability of 2^(2n - 129): of a
 * billion, one in 10^21.
 *
 * The clock is the latest time that was told, and never goes back; so keys are as old as their numbers say, a snapshot has to say
 * no more than what came and what went, and what is a repeat follows from what was told alone.
 *
 * Threads: the owner's. Memory: taken by seen_keys_init(). Layer: stages. */
#pragma once

#include "stages/delta.h"

struct seen_hash {
	uint64_t low, high;
};

struct seen_key {
	struct seen_hash hash;
	int64_t when_ns; /* by the clock */
};

struct seen_keys {
	struct seen_key *ring;
	uint32_t *table; /* place in the ring + 1; 0: free */
	uint64_t capacity, mask;
	uint64_t window_ns; /* 0: they do not grow old */
	uint64_t first, next;
	int64_t now_ns;      /* INT64_MIN: nothing was told yet */
	uint64_t pushed_out; /* that were forgotten for want of room before they were old */

	/* As remembered last. */
	uint64_t noted_first, noted_next;
	int64_t noted_ns;
};

enum { SEEN_KEYS_MAX = 1 << 30 };

size_t seen_keys_memory(uint64_t capacity);

/* 0 or -ENOMEM; seen_keys_release() in any case. capacity: 1 to SEEN_KEYS_MAX. */
int seen_keys_init(struct seen_keys *k, uint64_t capacity, uint64_t window_ns);
void seen_keys_release(struct seen_keys *k);

/* At that time (since 1970), or, where the clock is later, now. True if it was seen within the window; else it is from now on. */
bool seen_keys_add(struct seen_keys *k, struct seen_hash hash, int64_t when_ns);

/* Says what has changed since it was last said, or loaded. 0 or -ENOMEM: then nothing may follow. */
int seen_keys_snapshot(struct seen_keys *k, struct delta *d);

/* Into an empty one. If there is no room for all, the newest. 0, or -EBADMSG: it was not said by seen_keys_snapshot(). */
int seen_keys_load(struct seen_keys *k, const struct delta *saved);

/* How many there are, and the clock (INT64_MIN: none), of what was saved. 0 or -EBADMSG. */
int seen_keys_told(const struct delta *saved, uint64_t *ret_count, int64_t *ret_now_ns);
