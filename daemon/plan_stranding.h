/* plan_stranding.h - how many batches can be stranded: behind a queue that holds nobody up (`when_full: drop_newest`, `drop_oldest`,
 * `spill`), with readers that hang, so that they may never come back to the home they are from.
 *
 *   [ source ] =drop=> [ t ] =queue=> [ dead ]       all that the three can hold is kept for them in the source's home,
 *              =====queue===========> [ well ]       on top of what it needs for the others
 *
 * Threads: one. Memory: none. Layer: daemon. */
#pragma once

#include "daemon/plan.h"

/* Who puts into it is held up by nobody below. */
static inline bool plan_edge_strands(const struct plan_edge *e)
{
	return e->when_full != WHEN_FULL_BLOCK;
}

/* Finds which edges strand or lie behind one that does, limits what sinks there take, and works out plan_group.stranded. The edges
 * are there. 0 or -ENOMEM. */
int plan_strand(struct plan *p);
