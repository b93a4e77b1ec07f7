/* sim_world.h - one seed from its beginning to its verdict.
 *
 *   topology, input, faults by seed -> recovery -> run -> (crash, kill, stop or failure -> recovery -> run)* -> the end
 *   -> does the model hold?
 *
 * Threads: one. Memory: its own. Layer: tests. */
#pragma once

#include "daemon/plan.h"
#include "tests/sim/sim_model.h"

struct sim_wish {
	uint64_t seed;
	bool told; /* keep the story */
};

struct sim_result {
	bool good;
	uint64_t digest; /* of all that happened: the same for the same seed */
	uint64_t moves, simulated_ns, operations;
};

/* Says on stderr what went wrong, with the story if it was kept. */
struct sim_result sim_world_run(const struct sim_wish *wish);
