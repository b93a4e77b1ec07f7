/* sim_load.h - YAML to topology and plan, as daemon/load.c does it, for a machine with two CPUs.
 * Threads: one. Memory: the caller's, to be released in either case. Layer: tests. */
#pragma once

#include "daemon/plan.h"

/* tight: with no more memory than it needs to go on, else 8 MiB to spare. False, having said why: it was refused. */
bool sim_load(struct topology *t, struct plan *p, const char *yaml, bool tight);
