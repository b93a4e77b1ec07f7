/* rate_limit.h - so many records, bytes or operations a second; what is more waits, in the order in which it asked.
 *
 *	rate 100/s, burst 20, in records
 *	                    [###.....]  a call of 3 goes at once, one of 8 takes what there is and goes when the rest has come
 *	   a call of 90     [        ]  takes more than the bucket ever holds: it goes when all 90 have come
 *
 * Each call takes all of its tokens when it asks, be they there or not, and is told when they will have come: so up to any moment
 * no more than rate * time + burst have gone through, whatever the size of a call, and nobody overtakes.
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/token_bucket.h"

enum rate_unit { RATE_RECORDS, RATE_BYTES, RATE_OPERATIONS };

struct rate_limit_options {
	uint64_t rate;  /* a second; 1 to TOKEN_RATE_MAX */
	uint64_t burst; /* 0: what `rate` gives in a second */
	uint64_t unit;  /* enum rate_unit */
};

struct rate_limit {
	struct token_rate rate;
	struct token_bucket tokens;
	enum rate_unit unit;
};

/* Full. */
void rate_limit_init(struct rate_limit *l, const struct rate_limit_options *o, uint64_t now_ns);

/* What goes at once through a full bucket: 1 or more of each; UINT64_MAX: any. */
struct rate_portion {
	uint64_t records, bytes;
};
struct rate_portion rate_limit_portion(const struct rate_limit *l);
/* How many records from number `first` on are one; *ret_bytes: how long they are, without delimiters. */
uint32_t rate_portion_of(struct rate_portion most, const struct batch *b, uint32_t first,
			 uint64_t *ret_bytes);

/* Takes what an operation with so many costs; returns when it may begin, now_ns or later. What it took stays taken. */
uint64_t rate_limit_take(struct rate_limit *l, uint64_t records, uint64_t bytes, uint64_t now_ns);
