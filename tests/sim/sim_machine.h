/* sim_machine.h - what every simulated world has: a machine with its clock and disk, what goes wrong there, and one process after the
 * other that recovers and runs a topology.
 *
 *   sim_machine_recover --> sim_machine_run --> sim_run_move ... --> sim_machine_end
 *                                                  +---> sim_machine_break_off, at any moment
 *
 * Threads: one. Memory: its own, until sim_machine_release(). Layer: tests. */
#pragma once

#include "tests/sim/sim_recovery.h"

struct sim_machine {
	struct sim_random random;
	struct sim_clock clock;
	struct sim_story story;
	struct sim_fs fs;
	struct sim_faults faults;
	struct sim_happened happened;
	struct topology topology;
	struct plan plan;
	struct sim_recovery recovery;
	struct sim_run run;
	uint64_t moves;   /* of runs that are over */
	uint64_t room_ns; /* when the disk is no longer full; 0: it is not */
	bool stopping;
};

/* All else zero; it stays where it is. */
void sim_machine_init(struct sim_machine *m, uint64_t seed, bool told);
void sim_machine_release(struct sim_machine *m);

/* At some moment, which a draw says. */
void sim_machine_set_clock(struct sim_machine *m);
/* Of reading, writing and being slow, up to so long an operation. */
void sim_machine_choose_faults(struct sim_machine *m, uint64_t slowest_ns);

/* As sim_recovery_begin(). */
int sim_machine_recover(struct sim_machine *m, unsigned steps);
/* It failed with that error: it is ended, and what was in its way is mended. False: nothing was. */
bool sim_machine_recovery_failed(struct sim_machine *m, int error);
/* As sim_run_begin(). */
int sim_machine_run(struct sim_machine *m, bool once, const struct pipeline_memory *memory);
/* From here on it ends by itself; once is enough. why: NULL, or for the story. False: it was told before. */
bool sim_machine_stop(struct sim_machine *m, const char *why);
/* It has ended. */
void sim_machine_end(struct sim_machine *m);
/* The machine crashes, or only the process is killed. */
void sim_machine_break_off(struct sim_machine *m, bool crash);

/* A stage of it, or its epoch log. */
bool sim_machine_has_failed(struct sim_machine *m);
/* Something was in the way of what failed. */
bool sim_machine_was_at_fault(const struct sim_machine *m);
/* What is broken has been mended. */
void sim_machine_calm(struct sim_machine *m);

/* For some seconds there is room for fewer bytes than that. */
void sim_machine_fill_disk(struct sim_machine *m, uint64_t bytes);
void sim_machine_empty_disk(struct sim_machine *m);
