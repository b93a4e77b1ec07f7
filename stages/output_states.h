/* output_states.h - the states of stages/output_file.h, for the files that implement them.
 *
 *   begin: entered, submits an operation or begins a note      after: that has a result, goes on to another state
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/output_file.h"

#include <linux/openat2.h>

enum { OUTPUT_BENEATH = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

struct output_act {
	void (*begin)(struct output_file *f);
	void (*after)(struct output_file *f, int64_t result);
};

/* By state; those that the file does not implement are NULL. */
extern const struct output_act output_directory_acts[OUTPUT_STATES];
extern const struct output_act output_opening_acts[OUTPUT_STATES];
extern const struct output_act output_mending_acts[OUTPUT_STATES];
extern const struct output_act output_closing_acts[OUTPUT_STATES];

/* What is in it is known: on to READY. */
void output_go_on_opened(struct output_file *f);
/* Its last frame is closed first; then as if it had not been open. */
void output_mend(struct output_file *f);
/* One step on in WALK or CLOSE_FRAME. */
int output_mending_step(struct output_file *f);

void output_go(struct output_file *f, enum output_file_state state);
/* To CLOSED, or what is to be closed before. */
void output_go_to_closed(struct output_file *f);
void output_fail(struct output_file *f, const char *what, int64_t result);
void output_fail_missing(struct output_file *f);

void output_submit(struct output_file *f, struct io_op op);
/* The state's operation is to be submitted again then, monotonic; 0: when the disk has room. */
void output_try_again_at(struct output_file *f, uint64_t when_ns);

/* The file as seen from its directory. */
const char *output_name_in_directory(const struct output_file *f);
