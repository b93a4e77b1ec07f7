/* file_claim.h - which files a stage would write, and whether another would read them: asked when a topology is loaded,
 * before anything runs.
 *
 *   sink: writes(options, 0..) -> claims -> questions -> source: reads(options, questions)
 *
 * Threads: any. Memory: the caller's; what claims and answers point to is the options'. Layer: stages. */
#pragma once

#include "conf/option.h"

#include <limits.h>

/* A file that a sink would write. */
struct file_claim {
	char path[PATH_MAX];       /* as the sink would open it */
	const struct text *option; /* what in the topology makes it so */
};

/* The same file, put to a source. */
struct file_question {
	const char *path;     /* as the sink would open it */
	const char *resolved; /* as a file_resolve would have it */
	/* The answer: what in the source's options has it read; NULL: it does not. */
	const struct text *read_by;
};

/* Where a path leads: absolute, no link left in it; names that are not there stay as they are written. Writes PATH_MAX
 * bytes at most to `resolved`. 0 or -errno. */
typedef int file_resolve(const char *path, char *resolved);
