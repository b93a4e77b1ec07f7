/* command_fixture.h - an env of real processes and real time, for stages that run commands. Layer: tests. */
#pragma once

#include "daemon/backend.h"
#include "daemon/helpers.h"
#include "stages/command/command.h"

struct command_fixture {
	struct env env; /* must stand first */
	struct helpers helpers;
	struct backend *backend;
	struct stage stage;
	struct stage_counters counters;
	uint64_t wake_ns;
	char said[65536]; /* event and details, a line each */
	struct text texts[8];
	struct command_options options;
	struct command command;
};

/* kind: of the backend. The command is what comes before NULL; one alone is for the shell. */
void command_fixture_begin(struct command_fixture *x, int kind, ...) __attribute__((sentinel));
/* No process is left. */
void command_fixture_end(struct command_fixture *x);

/* Of what the command has begun, once that is over; reaps. -1: all. */
bool command_fixture_is_gone(pid_t process_or_group);

/* After a step that waits: drives the backend until something completes or the moment that was named has come. */
void command_fixture_turn(struct command_fixture *x);
/* Steps it to COMMAND_OVER. */
void command_fixture_run(struct command_fixture *x);
/* As the daemon does at an end: cancels all, and waits for it. */
void command_fixture_cancel(struct command_fixture *x);

size_t command_fixture_said(const struct command_fixture *x, const char *text);
