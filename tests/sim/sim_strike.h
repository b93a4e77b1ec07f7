/* sim_strike.h - one operation that fails: the nth of a run, alone or with those like it that follow.
 *
 *   count  1  2  3 ... at-1  AT  at+1 ...           every operation but IO_WORK, as it takes effect
 *                            fails; then, until it is lifted:
 *   ONCE   no other                        BURST  as many as are reasonable, of its kind (-EINTR, -EAGAIN)
 *   KIND   all of its kind                 ALL    all, whatever they are
 *   KILL   none: as soon as it has taken effect the process is killed; CRASH: the machine stops
 *
 * A kind is what is done, and where: to what is read, to the outputs, in the state directory.
 *
 * Threads: one. Memory: the caller's. Layer: tests. */
#pragma once

#include "tests/sim/sim_fs.h"

enum sim_place { SIM_INPUT, SIM_OUTPUT, SIM_STATE, SIM_ELSEWHERE };

struct sim_kind {
	enum io_code code;
	enum sim_place place;
	bool creates; /* IO_OPEN */
	bool stream;  /* IO_READ */
};

enum sim_lasting { SIM_ONCE, SIM_BURST, SIM_KIND, SIM_ALL, SIM_KILL, SIM_CRASH };

struct sim_strike {
	uint64_t at; /* 0: none */
	int error;   /* -errno; for KILL and CRASH a number: which of many ends */
	enum sim_lasting lasting;
	bool lifted;

	uint64_t count, struck;
	struct sim_kind kind;   /* of the one that was struck first */
	struct sim_kind *kinds; /* NULL, or where to note the kind of each, by number - 1 ... */
	size_t room;            /* ... of the first so many */
};

/* To be asked for each operation as it takes effect: what it fails with, or 0. */
int sim_strike_look(struct sim_strike *s, const struct sim_fs *fs, const struct io_op *op);

/* What such an operation may fail with, and for how long: number i of all there is; false: there are no more. */
bool sim_strike_choice(const struct sim_kind *kind, size_t i, int *ret_error,
		       enum sim_lasting *ret_lasting);

/* "open input", ...; "once", ... */
const char *sim_code_name(enum io_code code);
const char *sim_place_name(enum sim_place place);
const char *sim_lasting_name(enum sim_lasting lasting);
