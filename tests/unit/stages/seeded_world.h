/* seeded_world.h - an env whose clock goes where the test puts it and whose chance comes from a seed; it keeps the earliest moment
 * that was asked for, and counts what is said.
 *
 * Threads: the test's. Memory: none. Layer: tests. */
#pragma once

#include "stages/stage.h"
#include "tests/sim/sim_random.h"

enum { SAID_MAX = 64 };

struct seeded_world {
	struct env env; /* stands first */
	uint64_t now_ns;
	uint64_t wake_ns; /* UINT64_MAX: none was asked for since it was last put there */
	struct sim_random random;
	unsigned said_count;
	char said[SAID_MAX][192]; /* the first of them */
	struct stage_counters counters;
	struct stage stage;
};

void seeded_world_init(struct seeded_world *w, uint64_t seed);

/* The next thing that was said and not looked at by this yet begins with that. Fails the test if not. */
void seeded_world_heard(const struct seeded_world *w, unsigned *at, const char *begins);
