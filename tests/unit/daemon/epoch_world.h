/* epoch_world.h - a pipeline of fake stages with a state directory of its own, run on threads, once or again and again. */
#pragma once

#include "daemon/pipeline.h"

struct epoch_world {
	struct topology topology;
	struct plan plan;
	struct pipeline pipeline;
	char directory[64];
	int fd, kind;
	struct backend *backend;
	struct epoch_log log;
	struct pipeline_memory memory;
};

/* With no more memory than it needs to go on. epochs: every 0.3 ms; else off. */
void epoch_world_begin(struct epoch_world *w, int kind, bool epochs, const char *yaml);
/* With epochs, and what memory the topology says. */
void epoch_world_begin_roomy(struct epoch_world *w, int kind, const char *yaml);
/* To its end; one that fails is stopped. */
void epoch_world_run(struct epoch_world *w);
void epoch_world_await_end(struct epoch_world *w);
/* Before it is begun, it is asked to run on for ever, as a service does; once more begun, it runs to the end. */
void epoch_world_follow(struct epoch_world *w);
/* What the stage of that name has counted. */
struct stage_counters *epoch_world_counters(struct epoch_world *w, const char *id);
/* The first worker of that kind. */
struct worker *epoch_world_first(struct epoch_world *w, enum stage_kind kind);
/* One record, out of the home of w. */
struct batch *epoch_world_batch(struct worker *w);
/* It goes on from what is on disk. */
void epoch_world_begin_anew(struct epoch_world *w);
void epoch_world_end(struct epoch_world *w);
