/* aggregate_plan.h - what `aggregate` has to count for the functions of its topology: a tally for each field that they speak of,
 * with a sketch if one of them is a quantile.
 *
 *   functions   requests: count    total: sum(bytes)    p50: quantile(ms, 0.5)    p99: quantile(ms, 0.99)
 *   tallies                        bytes                ms, with a sketch
 *
 * Threads: the owner's. Memory: aggregate_plan_release(); names lie in the topology. Layer: stages. */
#pragma once

#include "stages/aggregate_function.h"
#include "stages/sketch.h"
#include "stages/tally.h"

struct planned_function {
	struct aggregate_function function;
	int tally; /* -1: it counts records */
};

struct planned_tally {
	const char *field;
	size_t length;
	bool is_of_numbers; /* or just counts those that have the field */
};

struct aggregate_plan {
	struct planned_function *functions; /* as they stand in the topology */
	size_t function_count;
	struct planned_tally *tallies;
	unsigned tally_count;
	int *sketch_of; /* by tally; -1: none */
	unsigned sketch_count;
};

/* All of them have been checked. 0 or -ENOMEM; aggregate_plan_release() in any case. */
int aggregate_plan_init(struct aggregate_plan *p, const struct text_map *functions);
void aggregate_plan_release(struct aggregate_plan *p);

/* What it says; tallies and sketches as aggregate_plan has them. */
struct value aggregate_plan_result(const struct aggregate_plan *p, size_t function,
				   uint64_t records, const struct tally *tallies,
				   const struct sketch *sketches);
