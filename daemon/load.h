/* load.h - from -c and --set to a topology and its plan, or to every problem printed. Layer: daemon. */
#pragma once

#include "daemon/arguments.h"
#include "daemon/plan.h"

struct loaded {
	struct topology topology;
	struct plan plan;
};

/* 0, or the exit code, everything that is wrong having been printed on stderr, with `look` also what is on the disk
 * (look.h). l is always safe to release. */
int load(struct loaded *l, const struct arguments *a, bool look);
void loaded_release(struct loaded *l);
