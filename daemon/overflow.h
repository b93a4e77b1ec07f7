/* overflow.h - queues that never hold up who puts into them: when one is full, a batch is left out.
 *
 *   drop_newest   [ a b c d ] <- e      e is left out
 *   drop_oldest   [ a b c d ] <- e      a is taken out by the producer, and counts as done: [ b c d e ]
 *
 * With drop_oldest producers take, too. So whoever takes does so under a lock, and tickets are dealt there, by what consumers
 * took: a batch that was left out has none. What lies behind a raised barrier counts as done only when that is lowered, as
 * consumers take as many as are done for those before it.
 *
 * Each is counted, by record, with the stage that would have read it; the first is told, and when there is room again.
 *
 * Threads: any, where nothing else is said. Memory: none. Layer: daemon. */
#pragma once

#include "conf/topology.h"
#include "stages/stage.h"

#include <pthread.h>

struct batch;
struct edge;
struct out_edge;
struct worker;

/* Of an edge. */
struct overflow {
	enum when_full when_full;
	const char *reader;              /* its id, ... */
	struct stage_counters *counters; /* ... and what it counts */
	pthread_mutex_t drawing;         /* drop_oldest: held by who takes */
	uint64_t next_ticket, undone;    /* undone: left out behind the barrier */
};

/* Of one producer. */
struct overflow_telling {
	uint64_t dropped; /* records since it was told; 0: there is room */
	uint64_t last_ns;
};

void overflow_init(struct overflow *o, enum when_full when_full, const char *reader,
		   struct stage_counters *counters);
void overflow_release(struct overflow *o);

/* Who puts into it is never held up by who reads it. */
bool overflow_drops(const struct overflow *o);

/* A queue that has no room was given b. 0: it was seen to, and is not the caller's any more; -EAGAIN: not in this moment, somebody
 * is about to take; -ESHUTDOWN. A producer. */
int overflow_put(struct worker *w, struct out_edge *out, struct batch *b);

/* Somebody has put. Another producer that found this one's place drawn and not yet filled could neither put nor leave out the
 * oldest, and waits. Any thread. */
void overflow_tell_putters(struct edge *e);

/* There was room: is that told? A producer. */
void overflow_look(struct worker *w, struct out_edge *out);

/* As queue_try_get_at(), with the ticket for the edge's turn. A consumer. */
int overflow_draw(struct edge *e, struct batch **ret_b, uint64_t *ret_position,
		  uint64_t *ret_ticket);

/* As barrier_raise(), behind all that was put. The only producer. */
void overflow_raise_barrier(struct edge *e, uint64_t epoch);
/* As barrier_lower(). A consumer, for all. */
void overflow_lower_barrier(struct edge *e, uint64_t mark);

/* No barrier matters any more: everything that was left out is done. */
void overflow_settle(struct edge *e);
