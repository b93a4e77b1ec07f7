/* fake_stages.h - stages without files, for tests of the graph: numbers go in, and what comes out is remembered.
 *
 *   sources:    numbers (count, per_batch, fail_after)   records of 8 bytes: 0, 1, 2, ...
 *   transforms: odd      light, stateless: keeps odd numbers
 *               labour   neither: passes all on, after work of varying length (workers up to 16)
 *               breaks (at)        passes all on, but fails at that number
 *   sinks:      collect (close_after)   remembers, by the sink's id; says it is done after so many records, if not 0
 *               nothing             light: takes and lets go
 */
#pragma once

#include "conf/topology.h"
#include "daemon/plan.h"

#include <stdint.h>

extern const struct stage_catalog fake_catalog;

struct collected {
	char id[32];
	uint64_t *numbers;
	size_t count, room;
};

/* What the sink of that name has got; lives until fake_forget(). */
const struct collected *fake_collected(const char *id);
void fake_forget(void);

/* Loads a topology from YAML text. Fails the test when it has problems. */
void fake_read(struct topology *t, const char *yaml);

/* Loads one and plans it for 2 CPUs. Fails the test when it has problems. */
void fake_load(struct topology *t, struct plan *p, const char *yaml);
