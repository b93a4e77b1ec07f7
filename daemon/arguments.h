/* arguments.h - the command line. Threads: main. Memory: arguments_release(); texts are argv's. Layer: daemon. */
#pragma once

#include "conf/topology.h"
#include "daemon/backend.h"

#include <stdbool.h>
#include <stddef.h>

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_IO = 74,
	EXIT_CONFIGURATION = 78
};

enum graph_format { GRAPH_TEXT, GRAPH_DOT, GRAPH_MERMAID, GRAPH_JSON };

struct arguments {
	const char **files; /* -c */
	size_t file_count;
	const char **sets; /* --set */
	size_t set_count;
	bool once;
	bool from_scratch;
	bool json, verify;
	bool has_log_level;
	enum log_level log_level; /* --set-log-level */
	enum backend_kind io;     /* --io */
	enum graph_format format; /* --format */
	const char *rest;         /* the first argument that is no option, or NULL */
};

/* Which options a command takes. */
enum {
	TAKES_CONFIG = 1,
	TAKES_RUN = 2,
	TAKES_FORMAT = 4,
	TAKES_NAME = 8,
	TAKES_STATE = 16,
};

/* Reads what follows the command's name. 0, or -EINVAL, said on stderr. a is always safe to release. */
int arguments_read(struct arguments *a, const char *command, unsigned takes, int argc, char **argv);
void arguments_release(struct arguments *a);
