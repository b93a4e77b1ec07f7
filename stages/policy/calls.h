/* calls.h - a stage's calls to something outside, under the policies of its topology, in this order:
 *
 *	call_init
 *	    |
 *	    v         paid            has a place           lets it through
 *	rate limit ----------> semaphore -------------> breaker ----------> under way, `timeout` at most
 *	    ^                                                                  |         |        |
 *	    |  retry: after a delay, at the front again,                       v         v        v
 *	    +-------- holding nothing meanwhile ---------------------------- failed  succeeded  cancelled
 *	                                                                       +--> given up
 *
 * How a stage makes one:
 *
 *	call_init(&call, records, bytes);
 *	...                                                     in each step, of each call that waits, first come first asked:
 *	if (calls_try(c, &call) == CALL_BEGIN)
 *		begin it
 *	...                                                     in each step, of each one that is under way:
 *	if (calls_overdue(c, &call))
 *		cancel it; when it is over: calls_failed(c, &call, &(struct call_failure){.reason = "timeout"})
 *
 * Every call ends with calls_succeeded(), with calls_failed() that returns false, or with calls_cancelled(). An attempt that failed
 * and may be made again is begun by calls_try(). A failure that is lasting (the peer has answered: it will never take this) is none to
 * the breaker: it is about whether there is a peer that answers. A call that is given up is an error of the stage's, unless the topology
 * says what becomes of its records (`on_error: drop` or `dead_letter`, or a fallback): these are counted as such.
 *
 * What is logged: that calls fail and that they succeed again, no more often than once a minute (each figure is exact all the same);
 * each change of the breaker.
 *
 * Threads: the instance's. Memory: none; calls are the stage's own and stay where they are from call_init() to their end.
 * Layer: stages. */
#pragma once

#include "stages/policy/call_options.h"
#include "stages/policy/semaphore.h"
#include "stages/stage.h"

enum call_answer {
	CALL_BEGIN,
	/* A moment was named to env_wake_at(), or another call's end will let the worker step again. */
	CALL_WAIT,
	CALL_BREAKER_OPEN, /* if calls.may_refuse: it holds nothing, and is tried again later or cancelled */
};

enum call_at {
	CALL_AT_FRONT,   /* not before until_ns */
	CALL_AT_LIMIT,   /* has taken its tokens, which will have come at until_ns */
	CALL_AT_LINE,    /* for a place */
	CALL_AT_BREAKER, /* has a place */
	CALL_UNDER_WAY,  /* until_ns: its timeout */
	CALL_OVER,
};

struct call {
	uint64_t records, bytes; /* what it costs */
	uint64_t attempts;       /* begun so far */
	enum call_at at;
	uint64_t until_ns, since_ns;
	uint64_t pass; /* the breaker's */
	struct chain turn;
};

struct call_failure {
	const char *
	    reason; /* a text that lives as long as the program: "timeout", "connection refused", "status 503" */
	bool is_lasting;         /* there is no use in trying again */
	uint64_t retry_after_ns; /* what the peer asks for; 0: nothing */
};

/* Whether calls fail, as people are told. */
struct call_trouble {
	uint64_t failures; /* since the first of them; 0: there is none */
	uint64_t since_ns;
	bool told;
	uint64_t quiet_until_ns;
};

struct calls {
	struct stage *stage;
	const struct call_options *options;
	struct rate_limit rate_limit;
	struct semaphore places;
	struct breaker breaker;
	bool may_refuse;    /* there is another way: a sink in a `fallback` */
	uint64_t in_flight; /* of this instance */
	uint64_t standing;  /* calls in line or at the breaker, which wait for others' ends */
	uint64_t failing;   /* calls that have failed and are not over */
	struct call_trouble trouble;
};

/* From the stage's open(); o outlives it. */
void calls_init(struct calls *c, struct stage *s, const struct call_options *o);
/* From its close(): what was under way is so no more. All zero is fine. */
void calls_release(struct calls *c);

void call_init(struct call *call, uint64_t records, uint64_t bytes);

/* Of one that is neither under way nor over. */
enum call_answer calls_try(struct calls *c, struct call *call);
/* Of one that is under way: it has taken too long, and is to be cancelled; counted once. Else arranges for a step when it will have. */
bool calls_overdue(struct calls *c, struct call *call);

void calls_succeeded(struct calls *c, struct call *call);
/* True: it is to be tried again, by calls_try(). False: given up. */
bool calls_failed(struct calls *c, struct call *call, const struct call_failure *why);
/* Wherever it is: lets go of what it holds. One that is over may be cancelled, too. */
void calls_cancelled(struct calls *c, struct call *call);

/* What goes over a connection, which was one call: how much of it may go together. */
struct rate_portion calls_portion(const struct calls *c);
/* Pays for that: returns when it may go, now or later. What is limited by `operations` is connections alone. */
uint64_t calls_pay(struct calls *c, uint64_t records, uint64_t bytes);

/* The breaker would let nobody through now. */
bool calls_are_shut(struct calls *c);
