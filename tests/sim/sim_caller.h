/* sim_caller.h - a sink for simulations that makes each batch one call (stages/policy/calls.h) to a sim_server.h:
 *
 *   connect, unless there is a connection from before  ->  "call COUNT\n", a line for each record  ->  "ok\n", or anything else
 *
 * Several calls at a time, each on a connection of its own; batches are stored in the order in which they came. Before an attempt
 * counts as failed its connection is closed, so that its server sees no more of them than there are.
 *
 * Threads: one. Memory: the stage's. Layer: tests. */
#pragma once

#include "stages/stage.h"

enum { SIM_CALLER_CALLS_MAX = 4 };

extern const struct stage_type sim_caller_type;
