/* running.h - a pipeline on real threads, up to its end.
 *
 * Threads: the test's. Memory: none. */
#pragma once

#include "daemon/pipeline.h"

/* Starts it, and waits until it has ended by itself; one that fails is stopped. */
void running_to_end(struct pipeline *p);
/* The same of one that was started. */
void running_await_end(struct pipeline *p);
