/* inputs.h - where a worker's batches come from: its in_edges, taken in turns, each up to its barrier.
 *
 *   in_edge   [ a b | c d ]     b is taken, c was got by mistake before the barrier was seen: kept `ahead`
 *
 * Threads: the worker's. Memory: batches. Layer: daemon. */
#pragma once

#include "daemon/worker.h"

/* The next batch from any input, the caller's; NULL when there is none now. */
struct batch *inputs_take(struct worker *w, struct in_edge **ret_from, uint64_t *ret_ticket);

/* The same, but only of what was got `ahead` and is behind no barrier any more. */
struct batch *inputs_take_ahead(struct worker *w, struct in_edge **ret_from, uint64_t *ret_ticket);

/* Nothing more is wanted: shuts the queues down. What is `ahead` stays. */
void inputs_close(struct worker *w);

/* What a sink's last step handed on has been put: so are the batches done that it was in. */
void inputs_catch_up(struct worker *w);

/* A sink that fails or whose reader went away leaves batches taken and not done: nobody will finish them. */
void inputs_forget_taken(struct worker *w);

/* Who fails passes no barrier on, and may have been the last to be through with what came before it. */
void inputs_tell_siblings(struct worker *w);

bool inputs_ended(const struct worker *w);

/* After inputs_close(): begins an empty, failed unit for something that is `ahead`, so that its ticket is used. False
 * when there is none. */
bool inputs_give_up_ahead(struct worker *w);

bool inputs_any_ahead(const struct worker *w);

/* For a worker without siblings: true if it has taken all that comes before a barrier, on every input that has not ended,
 * and there is one. */
bool inputs_at_barrier(const struct worker *w, uint64_t *ret_epoch);
/* There is one, wherever it is. */
bool inputs_any_barrier(const struct worker *w, uint64_t *ret_epoch);

/* Calls pass(), and lowers the barriers that were raised before that; not if it returned 0. Returns what it returned. As soon as
 * all below know of this epoch the next one may come from above. */
int inputs_cross_barriers(struct worker *w, uint64_t epoch,
			  int (*pass)(struct worker *w, uint64_t epoch));

/* If all that came before the barriers of every input is done, by this worker and its siblings: crosses them, once for
 * all. Returns what pass() returned; 0 if it is too early or a sibling was first. */
int inputs_pass_barriers(struct worker *w, int (*pass)(struct worker *w, uint64_t epoch));
