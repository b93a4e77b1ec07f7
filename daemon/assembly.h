/* assembly.h - a pipeline's parts as the plan has them: queues, homes, and workers with their stages, connected.
 *
 *   plan: [a f] =queue=> [p g] x 2 =queue=> [s]
 *
 *   edges    queue 0, queue 1
 *   workers  a | p/1, p/2 | s       in the order of the groups, each with its ends of the queues:
 *   homes    a's, ...               an outlet of a stage leads to a node of the same worker, or to a queue
 *
 * Threads: the main thread's, while no runner has been started or all are joined. Memory: the pipeline's. Layer: daemon. */
#pragma once

#include "daemon/pipeline.h"

/* p has a plan and counters, and nothing else yet. 0 or -errno; what there is is to be released either way. */
int assembly_make(struct pipeline *p, bool once);
/* After the runners, before what the workers report to. */
void assembly_release(struct pipeline *p);

/* One of the group's. */
struct worker *assembly_worker(struct pipeline *p, size_t group, unsigned index);
