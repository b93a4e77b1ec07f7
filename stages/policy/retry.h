/* retry.h - when what has failed is tried again: capped exponential backoff with full jitter.
 *
 *	ceiling   base   2*base   4*base   8*base  ...  max_delay  max_delay
 *	          [--x-] [-----x] [x-----------] ...    each delay is drawn from all that lies below its ceiling, evenly
 *
 * (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: of those who failed together none come back together.)
 *
 * Threads: any. Memory: none. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum retry_jitter { JITTER_FULL, JITTER_NONE };

struct retry_options {
	uint64_t max_attempts; /* the first one included; 0: unlimited */
	uint64_t base_delay_ns, max_delay_ns;
	uint64_t jitter; /* enum retry_jitter */
};

/* What a peer asks for beyond that is taken for so much: nobody outside may stop us for good. */
#define RETRY_AFTER_MAX_NS UINT64_C(3600000000000)

/* After so many attempts of one call, all failed, there may be another. */
static inline bool retry_is_allowed(const struct retry_options *o, uint64_t attempts)
{
	return o->max_attempts == 0 || attempts < o->max_attempts;
}

/* The most that is waited after so many failures in a row, 1 or more. */
uint64_t retry_ceiling_ns(const struct retry_options *o, uint64_t failures);

/* How long to wait after so many: with full jitter evenly from 0 to the ceiling, both included, by `random` (any 64 bits); without,
 * the ceiling. */
uint64_t retry_delay_ns(const struct retry_options *o, uint64_t failures, uint64_t random);
