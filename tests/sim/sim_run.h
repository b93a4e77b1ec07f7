/* sim_run.h - a pipeline on one thread: simulated clocks, and a scheduler that lets its runners take turns by chance.
 *
 *   AWAKE --nothing to do--> ARMED --still nothing--> ASLEEP          as daemon/runner.c, one move at a time, with
 *     ^                        |                        |             the others' moves in between
 *     +---something came-------+------ woken, due ------+
 *
 * A runner that sleeps is stepped only when its waiter was woken, an operation of its own is due, or the moment that a
 * stage named has come: a wake that production code forgets is a stall here.
 *
 * Threads: one. Memory: its own, until sim_run_end(). Layer: tests. */
#pragma once

#include "daemon/pipeline.h"
#include "tests/sim/sim_io.h"

struct sim_clock {
	uint64_t now_ns; /* monotonic */
	int64_t wall_ns;
	uint64_t boot; /* env_boot(): one more with each crash of the machine */
};

enum sim_sleep { SIM_AWAKE, SIM_ARMED, SIM_ASLEEP };

struct sim_runner {
	struct waiter waiter; /* must stand first */
	bool woken;
	enum sim_sleep sleep;
	uint64_t deadline_ns;
	struct runner *of;
	struct sim_io *io;
};

struct sim_env {
	struct env env; /* must stand first */
	struct sim_runner *runner;
	struct sim_run *run;
	const char *stage;
};

struct sim_run {
	struct pipeline pipeline;
	struct sim_clock *clock;
	struct sim_fs *fs;
	struct sim_story *story;
	struct sim_random random;
	struct sim_runner *runners;
	struct sim_env *envs;
	size_t env_count;
	uint64_t said[SAY_ERROR + 1];  /* by level: how often something was told */
	uint64_t moves, moves_at_once; /* at_once: since the clock last went on by itself */
	bool begun;
};

/* memory: NULL, or as recovered. 0 or -errno. What is pointed to outlives the run. */
int sim_run_begin(struct sim_run *r, const struct plan *plan, bool once, struct sim_fs *fs,
		  struct sim_clock *clock, struct sim_story *story, const struct sim_faults *faults,
		  struct sim_happened *happened, struct sim_random random,
		  const struct pipeline_memory *memory);

enum sim_move { SIM_MOVED, SIM_IDLE, SIM_ENDED, SIM_SPINS };
/* One move of one runner. SIM_IDLE: all sleep, and nothing is due before sim_run_next_ns(). SIM_SPINS: they go on and on
 * and the clock stands still. */
enum sim_move sim_run_move(struct sim_run *r);
uint64_t sim_run_next_ns(const struct sim_run *r);
void sim_clock_to(struct sim_run *r, uint64_t now_ns);

/* All workers have ended: closes them as runners do, and joins. */
void sim_run_end(struct sim_run *r);
/* At any moment: the machine stops. The file system's part is sim_fs_crash(), to be called before. */
void sim_run_crash(struct sim_run *r);

/* Who waits for what, into the story. */
void sim_run_tell(struct sim_run *r);
