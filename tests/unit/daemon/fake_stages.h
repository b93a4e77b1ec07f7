/* fake_stages.h - stages without files, for tests of the graph: numbers go in, and what comes out is remembered (fake_memory.h). By
 * kind: fake_sources.c, fake_transforms.c, fake_sinks.c, fake_ailing_sinks.c (stuck, moody).
 *
 *   sources:    numbers (first, count, per_batch, fail_after, cuts, stumbles)   records of 8 bytes: first, first + 1, ...; begun
 *                                                                 again, from where the epoch log says
 *               wire (journal, ack, count, per_batch)   numbers that somebody sends once (tests/sim/sim_wire.h)
 *   transforms: odd      light, stateless: keeps odd numbers
 *               labour   neither: passes all on, after work of varying length, up to `turns` (workers up to 16)
 *               breaks (at)        passes all on, but fails at that number
 *               parts (records, stops_at)   light, stateless: hands batches on so many records at a time, the rest when
 *                                  there is room; may fail when it goes on
 *               naps (every, ms)   light, stateless: blocks at multiples of that number
 *               late     holds each batch until the next one comes, or the end
 *   sinks:      collect (close_after)   remembers, by the sink's id; says it is done after so many records, if not 0
 *               stuck (until, count, grabs)   is dead until the sink `until` has so many; grabs: takes whatever there is
 *                                   meanwhile, and finishes none of it. Then as collect
 *               moody (stumbles, twice)   light: remembers, four batches at a time; fails now and then
 *               nothing             light: takes and lets go
 *               picky (every)       remembers, but hands on multiples of that, or what its `on_error` says; holds some batches
 *               fallback            the real one
 *               table               writes to a database (tests/unit/daemon/fake_table.h)
 */
#pragma once

#include "conf/topology.h"
#include "daemon/plan.h"
#include "ringbuf/counter.h"

#include <stdint.h>

extern const struct stage_catalog fake_catalog;

struct collected {
	char id[32];
	uint64_t *numbers;
	size_t count, room;
	uint64_t cut;               /* count at the last cut, or the end */
	uint64_t to_sync;           /* steps until what was cut is durable */
	uint64_t committed;         /* the last epoch it was told of */
	uint64_t cut_epoch;         /* picky's last one */
	struct counter shown_count; /* count, for other threads */
};

enum { FAKE_CUTS_MAX = 1 << 16 };

/* Where `numbers` and `collect` stood at each epoch's cut, then at their end (`numbers`): how many. */
struct cuts {
	char id[32];
	size_t count;
	uint64_t at[FAKE_CUTS_MAX];
};

const struct cuts *fake_cuts(const char *id);

/* What the sink of that name has got; lives until fake_forget(). */
const struct collected *fake_collected(const char *id);
void fake_forget(void);
/* How many of them, while it runs; 0 before it is opened. */
uint64_t fake_count(const char *id);
/* From now on no sink is stuck. */
void fake_revive(void);

/* Loads a topology from YAML text. Fails the test when it has problems. */
void fake_read(struct topology *t, const char *yaml);

/* Loads one and plans it for 2 CPUs. Fails the test when it has problems. */
void fake_load(struct topology *t, struct plan *p, const char *yaml);

/* The same with other stages. */
void fake_load_with(struct topology *t, struct plan *p, const char *yaml,
		    const struct stage_catalog *catalog);

/* Which of its stages has that name. Fails the test when none has. */
size_t fake_stage(const struct topology *t, const char *id);
