/* output_watch.h - whether an output that is open still is what its path names, and as long as it was written: others may
 * have moved it away, deleted it, put another file in its place, or cut it.
 *
 *   IDLE --at each cut, at the end, and now and then: begin--> LOOKING --> what it found, once --> IDLE
 *
 * Threads: the owner's. Memory: none; stays put while it looks. Layer: stages. */
#pragma once

#include "stages/output_file.h"

#define OUTPUT_WATCH_NS UINT64_C(5000000000) /* between two looks, unless there are cuts */

enum output_finding {
	OUTPUT_LOOKING,
	OUTPUT_AS_IT_WAS, /* or nobody can tell */
	OUTPUT_MOVED,     /* its path names nothing, or another file */
	OUTPUT_CUT,       /* shorter than it was written; status.size says how long it is */
};

struct output_watch {
	struct env *env;
	struct io_op op;
	struct io_status status;
	bool looking;
	uint64_t end;     /* so long it has to be at least */
	uint64_t next_ns; /* when it is looked at again, monotonic; 0: at once */
};

void output_watch_init(struct output_watch *w, struct env *env);

/* Begins to look at a file that is READY and regular, of which everything up to `end` has been written. Not while it looks. */
void output_watch_begin(struct output_watch *w, const struct output_file *file, uint64_t end);

/* What it found; that is said to the operator by whoever acts on it. Only while it looks. */
enum output_finding output_watch_finding(struct output_watch *w, const struct output_file *file);
