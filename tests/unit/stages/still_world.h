/* still_world.h - an env for a stage that a test drives by hand: its clocks stand where the test puts them, and what it says is kept.
 *
 * Threads: the test's. Memory: none. Layer: tests. */
#pragma once

#include "stages/env.h"

struct still_world {
	struct env env;   /* stands first */
	uint64_t now_ns;  /* monotonic */
	int64_t wall_ns;  /* since 1970; 0: what now_ns is */
	uint64_t wake_ns; /* what was asked for last */
	char said[512];   /* last */
};

/* The clocks stay where they are. */
void still_world_init(struct still_world *w);
int64_t still_world_wall(const struct still_world *w);
