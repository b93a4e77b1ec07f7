/* holding.h - what the stages of a worker have to hand on beside what they make of the batch at hand: the rest of one for which
 * there was no room, and what is due because time has passed or the input has ended.
 *
 *	transform_apply() ──STEP_MORE──► the unit stays open ──supply──► transform_more() ... 0 ──► it may retire
 *	a moment, the end ─────────────► a unit of its own ──────────────► transform_due()
 *
 * Threads: the worker's. Memory: batches from homes. Layer: daemon. */
#pragma once

#include "daemon/worker.h"

/* There is an open unit: nothing else may begin before it is through. */
bool holding_is_open(const struct worker *w);

/* Goes on with it, given supply for one batch. 0; STEP_HOLD: not yet; or -errno, the stage's. */
int holding_go_on(struct worker *w);

/* It will not be gone on with. */
void holding_give_up(struct worker *w);

/* Has stages hand on what is due; no unit is under way. STEP_DONE: there is nothing more, at the moment; STEP_MORE: there may be;
 * STEP_WAIT: for supply, or for what was made to be put; -errno, the stage's, of the newest unit. */
int holding_due(struct worker *w);

/* No more will come in: all is due from now on, unless it is remembered for the next start. */
void holding_end(struct worker *w);
