/* steps.h - what a worker does in one step while it runs: a source and a transform (steps.c), a sink (sink_steps.c).
 *
 * Threads: the worker's. Memory: none. Layer: daemon. */
#pragma once

#include "daemon/worker.h"

enum step steps_of_source(struct worker *w);
enum step steps_of_transform(struct worker *w);
enum step steps_of_sink(struct worker *w);

/* There is an open unit, which is gone on with. retired: something was put before. */
enum step steps_go_on(struct worker *w, bool retired);

/* A sink that has no part in epochs holds none up, whatever it does (daemon/spilling.h). Nothing of any other worker. */
void steps_pass_barrier_at_once(struct worker *w);
