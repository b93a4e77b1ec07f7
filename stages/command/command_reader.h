/* command_reader.h - what a command writes to its standard output, as batches.
 *
 *   begin --> BEGINNING --> READ --> READING -- bytes --> FRAME -- all framed --> READ
 *                 |                     +-- end --> ENDING -- what has no delimiter, too --> REST: its process is waited for
 *                 +-- there is no such program -------------------------------------------->  |
 *                                                                                             +--> OVER
 * Threads: the stage's. Memory: as the intake's and the command's. Layer: stages. */
#pragma once

#include "stages/command/command.h"
#include "stages/framing_options.h"
#include "stages/intake.h"
#include "stages/policy/rate_gate.h"

struct command_reader {
	struct command command;
	struct framing framing;
	struct framer framer;
	struct intake intake;
	struct rate_gate *gate; /* whose it is; NULL: as much as comes */
	enum {
		READER_OVER,
		READER_BEGINNING,
		READER_READ,
		READER_READING,
		READER_FRAME,
		READER_ENDING,
		READER_REST
	} at;
	struct io_op op;
};

/* 0 or -ENOMEM. The stage's options outlive it; command_reader_release() in either case. */
int command_reader_init(struct command_reader *r, struct stage *s, const struct command_options *o,
			const struct framing_options *framing);
/* As command_release(). */
void command_reader_release(struct command_reader *r);

/* It is over, or was never begun. */
void command_reader_begin(struct command_reader *r);

/* STEP_MORE, STEP_WAIT; STEP_DONE: it is over (command_succeeded() tells how), or was never begun. Emits at most one batch. */
int command_reader_step(struct command_reader *r, struct stage *s, struct outlet *out);
