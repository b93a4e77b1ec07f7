/* rate_gate.h - `rate_limit` of a stage that makes no calls: that reads what somebody sends, or writes as somebody reads.
 *
 *	what goes out         rate_gate_charge(&g, env, records, bytes)      rate_gate_portion() at most of each
 *	                      if (rate_gate_is_open(&g, env))                else a step is arranged for when it will be
 *	                              write it
 *	what comes in         if (rate_gate_is_open(&g, env))
 *	                              begin to read
 *	                      rate_gate_charge(...)                          how much that was is known only when it is there
 *
 * So of what goes out there is, up to any moment, no more than rate * time + burst; of what comes in that and what the last read
 * brought, for which the next one waits the longer. Whoever sends waits as soon as what lies between (a socket, a pipe) is full;
 * datagrams are lost then.
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "ringbuf/counter.h"
#include "stages/env.h"
#include "stages/policy/call_options.h"

struct rate_gate_options {
	struct rate_limit_options rate_limit;
	bool rate_limit_given;
};

/* text: what it is to people. Rows for the option table of a struct that has a struct rate_gate_options at offset `base`. */
/* clang-format off */
#define RATE_GATE_OPTION_ROWS(base, text)                                                                  \
	{"rate_limit", OPTION_GROUP, (base) + offsetof(struct rate_gate_options, rate_limit),         \
	 .group = rate_limit_option_table,                                                         \
	 .given_offset = (base) + offsetof(struct rate_gate_options, rate_limit_given),               \
	 .doc = (text)}
/* clang-format on */

/* For a stage's figures: its name. */
#define RATE_GATE_FIGURE_NAME "ms held back by rate_limit"

struct rate_gate {
	bool is_limited;
	struct rate_limit limit;
	uint64_t until_ns;       /* what was charged is more than the rate allows before that */
	struct counter *held_ms; /* that it was shut, together; NULL: nobody counts */
};

void rate_gate_init(struct rate_gate *g, const struct rate_gate_options *o, struct env *env,
		    struct counter *held_ms);

/* 0: it is open. */
uint64_t rate_gate_opens_in_ns(const struct rate_gate *g, struct env *env);
/* If not, arranges for a step when it will be. */
bool rate_gate_is_open(const struct rate_gate *g, struct env *env);

void rate_gate_charge(struct rate_gate *g, struct env *env, uint64_t records, uint64_t bytes);

/* So much may be charged at once and go at once if nothing has gone for long; 1 or more of each, UINT64_MAX: any. */
struct rate_portion rate_gate_portion(const struct rate_gate *g);
