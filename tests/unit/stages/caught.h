/* caught.h - where a stage emits to that a test drives by hand: a list of batches for each of its outputs.
 *
 *   stage -> emit -> outlets[i] -> a worker that is none -> lists[i] -> caught_take
 *
 * Threads: the test's. Memory: batches that are not taken are never freed. Layer: tests. */
#pragma once

#include "daemon/worker.h"

enum { CAUGHT_OUTPUTS_MAX = 2 };

struct caught {
	struct worker worker;
	struct node node;
	struct unit unit;
	struct outlet outlets[CAUGHT_OUTPUTS_MAX]; /* what the stage is given: the first */
	struct out_edge edges[CAUGHT_OUTPUTS_MAX];
	size_t numbers[CAUGHT_OUTPUTS_MAX]; /* of each outlet's edge */
	struct batch_list lists[CAUGHT_OUTPUTS_MAX];
};

/* Stays where it is from then on. id: of batches that say no source. */
void caught_init(struct caught *c, unsigned outputs, const char *id,
		 struct stage_counters *counters);

/* The next one, the caller's now; NULL: there is none. */
struct batch *caught_take(struct caught *c, unsigned output);
