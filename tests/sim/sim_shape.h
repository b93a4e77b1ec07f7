/* sim_shape.h - a random topology: as the YAML that sluice loads, and as what the model needs to know of it.
 * Threads: one. Memory: the caller's. Layer: tests. */
#pragma once

#include "conf/topology.h"
#include "stages/framer.h"
#include "tests/sim/sim_random.h"

enum { SHAPE_SOURCES_MAX = 3, SHAPE_FILTERS_MAX = 4, SHAPE_SINKS_MAX = 3, SHAPE_STAGES_MAX = 14 };
enum { SHAPE_PATHS_MAX = 64, SHAPE_YAML_ROOM = 8192, SHAPE_REMOVE_AFTER_MS = 20000 };

/* Where it reads from or writes to: files, or far away (sim_peers.h). */
enum shape_way { SHAPE_FILES, SHAPE_CALLS, SHAPE_LINES };

struct shape_stage {
	char id[8];
	enum stage_kind kind;
	enum shape_way way;
	size_t inputs[SHAPE_STAGES_MAX];
	size_t input_count;

	unsigned workers; /* 0: not said */
	bool unordered;
	unsigned queue; /* 0: not said */
	enum when_full when_full;

	/* sources */
	bool literal, all_names; /* each file named; `*` instead of `*.log` */
	unsigned files;
	size_t max_line;
	enum long_line on_long_line;
	unsigned remove_after_ms; /* 0: off */

	/* filters */
	unsigned predicate;
	bool inverted;

	/* sinks */
	char place[8]; /* the directory beneath /out, and the file's name */
	bool zstd, dated;
	bool absent;          /* not in the topology for the time being */
	uint64_t rotate_size; /* 0: no */
	unsigned keep_s;      /* 0: no */

	/* those that are far away */
	char options[512]; /* all but the inputs, as YAML */
	bool hastens;      /* what comes in order may go out in another */
};

struct shape {
	struct shape_stage stages[SHAPE_STAGES_MAX]; /* inputs stand before their readers */
	size_t count, sources;
	unsigned epoch_ms; /* between two epochs; 0: off */
	bool tight;        /* no more memory than it needs to go on */
};

/* once: what is run is run to the end of its input. */
void shape_make(struct shape *s, struct sim_random *r, bool once);
/* What is on disk for a sink is not its own while it is not there. */
void shape_forbid_spills(struct shape *s);
/* Some of its queues leave out what they have no room for, or write it to disk. */
void shape_choose_overflow(struct shape *s, struct sim_random *r);
/* One more stage, which reads some of those that there are, save sinks. */
struct shape_stage *shape_add_sink(struct shape *s, char letter, struct sim_random *r);
/* And one more source, which some filters and sinks read. */
struct shape_stage *shape_add_source(struct shape *s, char letter, struct sim_random *r);
/* A sink of files. */
static inline bool shape_writes_files(const struct shape_stage *n)
{
	return n->kind == STAGE_SINK && n->way == SHAPE_FILES;
}
/* Without the sinks that are absent. */
void shape_print(const struct shape *s, char yaml[SHAPE_YAML_ROOM]);

/* Every source and filter has somebody who reads it. */
bool shape_is_whole(const struct shape *s);

/* Whether the filter lets the record pass. */
bool shape_passes(const struct shape_stage *filter, const uint8_t *bytes, size_t length);

/* One way from a source to a sink. */
struct shape_path {
	size_t filters[SHAPE_STAGES_MAX];
	size_t count;
	bool ordered;
	bool drops; /* what comes along it may be left out on the way */
};
/* Every way; returns how many. */
size_t shape_paths(const struct shape *s, size_t source, size_t sink,
		   struct shape_path paths[SHAPE_PATHS_MAX]);
