/* plan_memory.h - how the budget is divided: what stages take themselves, batches and buffers for each group, and the rest.
 *
 *   [ state of stages | least of each group: one batch can go all its way | more copies | more buffers for sources ]
 *   \____________________ memory_needed ___________________/
 *
 * Threads: one, that of plan_make(). Memory: the plan's. Layer: daemon. */
#pragma once

#include "daemon/plan.h"

/* The groups are there, with what a batch becomes in each. 0; -EINVAL with a problem added: it is too small, or a spill is. */
int plan_memory(struct plan *p, struct problems *problems);
