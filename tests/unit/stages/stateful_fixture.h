/* stateful_fixture.h - one transform that remembers something, driven by hand: records go in, epochs are cut and committed, it
 * crashes and begins again, and what is left of its output is told.
 *
 *   feed ──► the stage ──► text: a line for each record        cut: what it says goes into an epoch_map, as the daemon does it
 *   crash: what came out since the last cut is taken back, the stage is closed and opened with what was remembered
 *
 * Its input has columns `k` and `n`, as far as the topology speaks of them, and the time of each record. Clocks stand where the
 * test puts them.
 *
 * Threads: the test's. Memory: stateful_release(). Layer: tests. */
#pragma once

#include "daemon/epoch_map.h"
#include "daemon/plan.h"
#include "tests/unit/stages/caught.h"
#include "tests/unit/stages/still_world.h"

#include <stdio.h>

struct stateful_record {
	int64_t time_ms; /* NO_TIME: it says none */
	const char *k;   /* NULL: it has none */
	struct value n;
};

#define NO_TIME INT64_MIN

struct stateful {
	struct still_world world;
	const struct plan *plan;
	struct stage stage;
	bool holds; /* it has said that there is more to come of a batch */
	struct caught caught;
	struct stage_counters counters;
	struct home input, own;

	struct epoch_map map;
	struct delta delta, saved;
	size_t snapshot_bytes; /* of the last cut */
	char *text[2];         /* by output */
	size_t length[2], cut[2];
	FILE *to[2];
};

/* yaml: the transform `t`, whose input is `in`, and a sink. Its failed records go to text[1], if it has `on_error: dead_letter`. */
void stateful_init(struct stateful *x, const char *yaml);
void stateful_release(struct stateful *x);

/* All of them, in batches of so many. What the last one returned. */
int stateful_feed(struct stateful *x, const struct stateful_record *records, size_t count,
		  size_t per_batch);
/* As the worker does when it has time; until there is nothing more. ending: of the input. */
void stateful_due(struct stateful *x, bool ending);
void stateful_cut(struct stateful *x);
/* What open() returned. */
int stateful_crash(struct stateful *x);

/* The number of that option, as it will be when it begins again; group NULL: it is in none. */
uint64_t *stateful_number(struct stateful *x, const char *group, const char *name);

/* What came out, as of now. */
const char *stateful_text(struct stateful *x, unsigned output);
