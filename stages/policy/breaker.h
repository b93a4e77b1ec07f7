/* breaker.h - a circuit breaker: what keeps failing is left alone for a while, then asked once.
 *
 *	            failure_threshold failures in a row
 *	  CLOSED ------------------------------------------> OPEN <-----------------+
 *	    ^                                                 |                     |
 *	    |                        the first to ask after   |                     | it fails
 *	    |                                reset_timeout    v                     |
 *	    +-------- it succeeds --------------------- HALF_OPEN (one probe) ------+
 *
 *	in             breaker_ask                      a failure                 a success
 *	CLOSED         goes                             counts; the last opens    counting begins anew
 *	OPEN           waits for the moment             of before: nothing        of before: nothing
 *	HALF_OPEN      the first goes, others wait      the probe's: OPEN         the probe's: CLOSED
 *
 * (M. Nygard, "Release It!", 2007.) Each attempt gets a pass; what is heard of one that was given before the breaker last changed
 * changes nothing. A probe that is cancelled leaves its place to the next one.
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/policy/call_counters.h"

#include <stdbool.h>
#include <stdint.h>

struct breaker_options {
	uint64_t failure_threshold; /* in a row; at least 1 */
	uint64_t reset_timeout_ns;
};

struct breaker {
	const struct breaker_options *options;
	enum breaker_state state;
	uint64_t failures;   /* in a row, while closed */
	uint64_t changed_ns; /* when it came into this state */
	uint64_t opened_ns;  /* when it last left CLOSED */
	uint64_t era;        /* one more with each change */
	bool probing;        /* half-open: the one is on its way */
};

enum breaker_answer {
	BREAKER_GO,
	BREAKER_WAIT, /* for *ret_when_ns; UINT64_MAX: until the probe is over */
};

/* o outlives it. */
void breaker_init(struct breaker *b, const struct breaker_options *o, uint64_t now_ns);

/* It would let nobody through. */
bool breaker_is_shut(const struct breaker *b, uint64_t now_ns);

/* On BREAKER_GO *ret_pass is what the attempt's end is told with. */
enum breaker_answer breaker_ask(struct breaker *b, uint64_t now_ns, uint64_t *ret_pass,
				uint64_t *ret_when_ns);

/* The attempt with that pass succeeded, failed, or was given up without a result. True when that has changed the state. */
bool breaker_succeeded(struct breaker *b, uint64_t pass, uint64_t now_ns);
bool breaker_failed(struct breaker *b, uint64_t pass, uint64_t now_ns);
void breaker_cancelled(struct breaker *b, uint64_t pass);
