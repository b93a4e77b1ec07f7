/* segment_world.h - a world for logs of segments: the simulator's file system and I/O, a clock that goes on when nothing else does,
 * a machine that crashes or a process that is killed at any moment, and what was said.
 *
 * Threads: one. Memory: until segment_world_release(). */
#pragma once

#include "stages/stage.h"
#include "tests/sim/sim_io.h"

enum { SEGMENT_SAID_MAX = 64 };

struct segment_world {
	struct env env; /* must stand first */
	struct sim_fs fs;
	struct sim_story story;
	struct sim_faults faults;
	struct sim_happened happened;
	struct sim_io *io; /* NULL: nobody runs */
	struct stage_counters counters;
	struct sim_random random;
	uint64_t now_ns, wake_ns, boot;
	int64_t wall_ns;
	const char *said[SEGMENT_SAID_MAX];
	size_t said_count;
};

/* There is a directory /state. */
void segment_world_init(struct segment_world *w, uint64_t seed);
void segment_world_release(struct segment_world *w);

/* A process begins. */
void segment_world_begin(struct segment_world *w);

/* One operation completes, or time goes by until one will, or until what was asked for. */
void segment_world_go_on(struct segment_world *w);

/* The machine stops, or (`killed`) only the process: what is under way comes back and does nothing any more. To be followed by the
 * release of who ran there, and segment_world_end(). */
void segment_world_stop(struct segment_world *w, bool killed);

/* The process is gone: whoever ran has released all. */
void segment_world_end(struct segment_world *w);

size_t segment_world_said(const struct segment_world *w, const char *event);
