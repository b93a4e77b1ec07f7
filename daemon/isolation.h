/* isolation.h - a worker whose stage has failed and that begins anew by itself, while all the others go on (`supervision: isolate`).
 *
 *	RUNNING, ENDING --its stage failed, a restart is left--> HALTING --> HALTED --> RUNNING
 *
 *	HALTING    what it made is put. A source notes where it is, as for an epoch: what it has emitted so far lies before that.
 *	           A sink lets go of what it had taken and not done: its inlet hands that out again, before all else (daemon/taken.h)
 *	HALTED     its runner closes the stage, with nothing in flight, waits for the delay and opens it again, a source with all that was
 *	           noted of it so far. Meanwhile a source takes part in epochs: all that it has emitted is noted. Asked to stop, nobody
 *	           waits: it is opened at once, and then ends as always
 *
 * A sink holds up epochs meanwhile, as what it has is not done; one behind a spill does not (daemon/spilling.h).
 *
 * Who can: a source that says `reopens`, a sink that lets go and has no part of its own in epochs; with a thread of their own. What fails beside, and what
 * fails once more than `max_restarts` allows, fails as ever (daemon/supervision.h). What a sink had begun it does twice: those that can
 * are at least once anyway.
 *
 * Threads: the worker's. Memory: of a source, twice what it wants remembered; of a sink, the batches that it has not done. Layer: daemon. */
#pragma once

#include "daemon/epoch_map.h"
#include "daemon/supervision.h"

struct worker;
struct stage_type;

struct isolation {
	struct supervision *by; /* NULL: this worker does not */
	uint64_t begin_ns;
	int failure; /* for which it is halted */
	bool is_closed;
	struct epoch_map known; /* a source's: all that it has noted, reported or not */
	struct delta saved;     /* the same, for its open() */
};

/* Whether a stage of that type can. */
bool isolation_suits(const struct stage_type *type);

/* Before the worker is opened, and after its stages know what is saved. by outlives it. 0 or -ENOMEM. */
int isolation_init(struct worker *w, struct supervision *by);
void isolation_release(struct worker *w);

/* A source has noted something in its report. 0 or -ENOMEM. */
int isolation_note(struct worker *w);

/* The head's stage has failed, or could not be opened. True: it is to halt. */
bool isolation_begin(struct worker *w, int error);

/* HALTING, with all that it made put: STEP_DONE when it may be closed, STEP_WAIT, or -errno: it cannot begin anew by itself. */
int isolation_halt(struct worker *w);

/* HALTED: the runner's, which sees to it that nothing is in flight. */
void isolation_close(struct worker *w);
bool isolation_is_due(const struct worker *w);
/* 0 or -errno. */
int isolation_open(struct worker *w);
