/* work_units.h - what a worker has made and not yet put: units, in the order in which their input was taken.
 *
 *   stage -> emit -> newest unit's lists, one for each out_edge -> units_retire -> queues, whole and in turn
 *
 * Threads: the worker's. Memory: batches from homes. Layer: daemon. */
#pragma once

#include "daemon/worker.h"

/* True if there is what so many batches may take that come in; else it is noted what is waited for. */
bool units_supplied(struct worker *w, size_t times);

/* There must be room. What stages emit from now on goes into it. */
void unit_begin(struct worker *w, struct in_edge *from, uint64_t ticket);

/* Nothing of the newest unit goes on, nor of what any worker has drawn after it. */
void unit_fail_newest(struct worker *w);

/* Puts those whose turn has come, as far as there is room. True if any is through. */
bool units_retire(struct worker *w);

/* True if the unit waits for its turn. */
bool unit_awaits_turn(const struct unit *u);

/* Puts a batch that belongs to no unit. As queue_try_put(). */
int out_edge_put(struct worker *w, struct out_edge *out, struct batch *b);

/* Empties them all; they still take their turns. */
void units_drop(struct worker *w);

/* Wakes readers of what they have not been told of. */
void units_tell_readers(struct worker *w);

/* Gives the batch to a stage of this worker, counted. */
void units_deliver(struct worker *w, struct node *n, struct batch *b);
