/* command.h - one command, run as often as its stage likes: begun, awaited, ended.
 *
 *   IDLE -- begin --> BEGINNING --> RUNNING -- its process has exited --> EXITED -- all pipes at their end --> REAPING --> OVER
 *                        |            |                                     |  or kill_after has passed                   |
 *                        |            +- stop: SIGTERM; kill_after later: SIGKILL, to all of its group                    |
 *                        +-- there is no such program ----------------------------------------------------------------> OVER
 *   OVER -- begin --> ...
 *
 * What is left of its process group when it is over is killed, before its number can be another's. So nothing that it has begun
 * outlives it by more than `kill_after`, unless it has left the group.
 *
 * Its input and output are the stage's to write and read; whoever has them closes them with command_close_*(). Its standard
 * error goes to the log (command_errors.h).
 *
 * Threads: the stage's. Memory: its arguments, taken by command_init(). Layer: stages. */
#pragma once

#include "stages/command/command_errors.h"
#include "stages/command/command_options.h"
#include "stages/stage.h"

enum command_state {
	COMMAND_IDLE,
	COMMAND_BEGINNING,
	COMMAND_RUNNING,
	COMMAND_EXITED,
	COMMAND_REAPING,
	COMMAND_OVER
};

struct command {
	struct env *env;
	const struct command_options *options;
	const char **arguments;
	char **environment;
	bool has_input, has_output; /* pipes; else /dev/null */
	enum command_state state;

	int process; /* its descriptor */
	pid_t pid;
	int input, output;            /* our ends, once it runs; -1: closed */
	uint64_t begun_ns, exited_ns; /* monotonic */
	struct command_errors errors;

	bool stopping;
	bool at_fault;       /* set by its stage, which stops it for what it does, or does not */
	uint64_t kill_at_ns; /* while it is stopping; then: killed */
	bool is_killed;
	bool kill_is_told; /* until it has ended without that */

	struct io_op op;     /* what its state waits for */
	struct io_op signal; /* on its way to it */

	/* When it is over. */
	int error;  /* -errno: it could not be begun; 0 */
	int status; /* as waitpid(2) tells it */
};

/* 0 or -ENOMEM. The stage's options outlive it. */
int command_init(struct command *c, struct stage *s, const struct command_options *o,
		 bool has_input, bool has_output);
/* For close(): nothing of it is in flight. A process that runs is killed, and seen to, by operations that free themselves. */
void command_release(struct command *c);

/* IDLE or OVER. */
void command_begin(struct command *c);

/* STEP_MORE: something has changed; STEP_WAIT; STEP_DONE: idle, or over. */
int command_step(struct command *c);

/* It is to end. Whatever its state; once is enough. */
void command_stop(struct command *c);

/* While it has a pipe: no operation of the stage's own is under way there. */
void command_close_input(struct command *c);
void command_close_output(struct command *c);

/* Its process has exited and others have kept its output open for too long: take back the read that waits there, and close it. */
bool command_is_to_be_left(const struct command *c);

/* It was begun, and ended as it should. */
bool command_succeeded(const struct command *c);

enum { COMMAND_END_MAX = 64 };
/* How it ended: "status 1", "signal 9", or why it could not be begun; in `text`. */
const char *command_told(const struct command *c, char text[COMMAND_END_MAX]);
