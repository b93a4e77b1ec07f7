/* running.h - a pipeline of fake stages with epochs, on real threads, from a topology in YAML to its end.
 *
 * Threads: the test's. Memory: the caller's. */
#pragma once

#include "daemon/pipeline.h"
#include "tests/unit/daemon/each_backend.h"
#include "tests/unit/daemon/fake_stages.h"

struct running {
	struct topology topology;
	struct plan plan;
	struct pipeline pipeline;
	char directory[64];
	int fd;
	struct backend *backend;
	struct epoch_log log;
	struct pipeline_memory memory;
};

void running_begin(struct running *w, int kind, const char *yaml);
/* Of all its sources, or until a stage fails. */
void running_to_end(struct running *w);
void running_end(struct running *w);
