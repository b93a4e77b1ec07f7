/* plan_isolation.h - how much of a home can be behind a queue that isolates (`when_full: drop_newest`, `drop_oldest`), in batches
 * that may never come back while their reader hangs.
 *
 *   [ source ] =drop=> [ t ] =queue=> [ dead ]       all that the three can hold is kept for them in the source's home,
 *              =====queue===========> [ well ]       on top of what it needs for the others
 *
 * Threads: one. Memory: none. Layer: daemon. */
#pragma once

#include "daemon/plan.h"

static inline bool plan_edge_isolates(const struct plan_edge *e)
{
	return e->when_full != WHEN_FULL_BLOCK;
}

/* Finds which edges isolate or lie behind one that does, limits what sinks there take, and works out plan_group.isolated. The edges
 * are there. 0 or -ENOMEM. */
int plan_isolate(struct plan *p);
