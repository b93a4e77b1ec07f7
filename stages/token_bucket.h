/* token_bucket.h - so many a second on average, and up to so many at once.
 *
 *	rate 100/s, burst 20:     full [####################]     each takes one; 100 a second come in, those that do not fit are lost
 *
 * Counted in billionths of a token, of which exactly `per_second` come in each nanosecond: nothing is rounded.
 *
 * Threads: the owner's. Memory: the caller's. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_RATE_MAX UINT64_C(1000000000)
#define TOKEN_WHOLE UINT64_C(1000000000)

/* Both from 1 to TOKEN_RATE_MAX. */
struct token_rate {
	uint64_t per_second, burst;
};

struct token_bucket {
	uint64_t billionths;
	uint64_t
	    filled_ns; /* monotonic: up to when it was filled; lies ahead when more was borrowed */
};

/* Full. */
void token_bucket_init(struct token_bucket *b, const struct token_rate *rate, uint64_t now_ns);

/* Takes one token, if there is one. */
bool token_bucket_take(struct token_bucket *b, const struct token_rate *rate, uint64_t now_ns);

/* Takes so many, be they there or not: those that are not are the ones that come next, which nobody else gets. Returns when all of them
 * have come, now_ns or later; UINT64_MAX: never. */
uint64_t token_bucket_borrow(struct token_bucket *b, const struct token_rate *rate, uint64_t now_ns,
			     uint64_t tokens);

/* When there will be so many, `burst` at most; not before now_ns. */
uint64_t token_bucket_ready_ns(struct token_bucket *b, const struct token_rate *rate,
			       uint64_t now_ns, uint64_t tokens);
