/* command_errors.h - what a command writes to its standard error, line by line into the log, so much and no more.
 *
 * A line over COMMAND_LINE_MAX is cut; more than some 10 a second, 100 at once, are counted, and told when there is room
 * for a line again.
 *
 * Threads: the owner's. Memory: none but its own. Layer: stages. */
#pragma once

#include "stages/env.h"
#include "stages/token_bucket.h"

enum { COMMAND_LINE_MAX = 1024, COMMAND_ERRORS_READ = 4096 };

struct command_errors {
	struct env *env;
	int fd; /* -1: nothing is read any more */
	struct io_op op;
	bool submitted; /* and not looked at yet */
	struct token_bucket bucket;
	uint64_t left_out;
	bool skipping; /* the rest of a line that was cut */
	size_t length;
	uint8_t line[COMMAND_LINE_MAX];
	uint8_t bytes[COMMAND_ERRORS_READ];
};

void command_errors_init(struct command_errors *e, struct env *env);

/* Takes fd over, non-blocking; the one before has been read to its end. */
void command_errors_begin(struct command_errors *e, int fd);

/* STEP_MORE, STEP_WAIT; STEP_DONE: it is at its end, and closed. */
int command_errors_step(struct command_errors *e);

/* Reads no more, whether it has ended or not. */
void command_errors_leave(struct command_errors *e);

/* No operation is under way. */
void command_errors_release(struct command_errors *e);
