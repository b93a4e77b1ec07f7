/* call_options.h - the options of every stage that talks to something outside, as rows for its table.
 *
 *	struct post_options { struct text url; struct call_options calls; struct batch_limits batch; struct pool_options pool; };
 *	    {"url", OPTION_TEXT, ...},
 *	    CALL_OPTION_ROWS(offsetof(struct post_options, calls)),
 *	    BATCH_LIMIT_ROWS(offsetof(struct post_options, batch)),
 *	    POOL_ROWS(offsetof(struct post_options, pool)),
 *
 * A limit is the whole stage's, and kept by one instance: a stage with them has one worker.
 *
 * Threads: any. Memory: the stage's options. Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/policy/breaker.h"
#include "stages/policy/rate_limit.h"
#include "stages/policy/retry.h"

struct call_options {
	uint64_t timeout_ns; /* of one attempt; 0: none */
	struct retry_options retry;
	struct breaker_options breaker;
	bool breaker_given;
	struct rate_limit_options rate_limit;
	bool rate_limit_given;
	uint64_t max_in_flight; /* 0: no limit */
};

/* What is sent together: as soon as one of these is reached. */
struct batch_limits {
	uint64_t records, bytes;
	uint64_t interval_ns; /* since the first of them */
};

/* Connections that are kept. */
struct pool_options {
	uint64_t min, max;
	uint64_t per_host; /* 0: as many as `max` */
	uint64_t idle_timeout_ns;
	uint64_t dns_cache_ns; /* 0: each look-up is made */
};

extern const char *const retry_jitter_names[]; /* by enum retry_jitter; ends with NULL */
extern const struct option retry_option_table[];
extern const struct option breaker_option_table[];
extern const struct option rate_limit_option_table[];
extern const struct option batch_limit_table[];
extern const struct option pool_option_table[];

/* clang-format off */
#define RETRY_JITTER_ROW(offset)                                                                   \
	{"jitter", OPTION_CHOICE, (offset), .preset = "full", .choices = retry_jitter_names,       \
	 .doc = "Where below the ceiling: anywhere, or none: at the ceiling itself"}

#define CALL_OPTION_ROWS(base)                                                                     \
	{"timeout", OPTION_DURATION, (base) + offsetof(struct call_options, timeout_ns),           \
	 .preset = "30s", .min = 1000000, .word = "off",                                           \
	 .doc = "How long one attempt may take; then it is given up and counts as failed"},        \
	{"retry", OPTION_GROUP, (base) + offsetof(struct call_options, retry),                     \
	 .group = retry_option_table,                                                              \
	 .doc = "What failed is tried again after a delay drawn evenly from 0 to a ceiling, which " \
		"doubles with each failure; a longer one that the peer asks for is kept to"},       \
	{"circuit_breaker", OPTION_GROUP, (base) + offsetof(struct call_options, breaker),         \
	 .group = breaker_option_table,                                                            \
	 .given_offset = (base) + offsetof(struct call_options, breaker_given),                    \
	 .doc = "What keeps failing is left alone for a while, then asked once"},                  \
	{"rate_limit", OPTION_GROUP, (base) + offsetof(struct call_options, rate_limit),           \
	 .group = rate_limit_option_table,                                                         \
	 .given_offset = (base) + offsetof(struct call_options, rate_limit_given),                 \
	 .doc = "How much a second, of what is sent or asked for; what is more waits"},                                 \
	{"max_in_flight", OPTION_COUNT, (base) + offsetof(struct call_options, max_in_flight),     \
	 .preset = "unlimited", .word = "unlimited", .min = 1,                                     \
	 .doc = "How many attempts may be under way at a time; unlimited: as many as the stage "    \
		"makes by itself"}

#define BATCH_LIMIT_ROWS(base)                                                                     \
	{"batch", OPTION_GROUP, (base), .group = batch_limit_table,                                \
	 .doc = "How much is sent together: what reaches one of these limits goes"}

#define POOL_ROWS(base)                                                                            \
	{"pool", OPTION_GROUP, (base), .group = pool_option_table,                                 \
	 .doc = "Connections that are kept for the next one to use"}
/* clang-format on */

/* What fails is never given up: for a sink's `tries_for_ever`. */
bool call_options_try_for_ever(const struct call_options *o);

/* What the tables cannot say: for a stage's `check`. */
void call_options_check(const struct call_options *o, struct place at, struct problems *problems);
void pool_options_check(const struct pool_options *o, struct place at, struct problems *problems);
