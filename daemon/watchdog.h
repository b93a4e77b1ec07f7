/* watchdog.h - whether every thread moves, or has reason to wait. The service manager's watchdog is fed while it does.
 *
 *   went round its loop since the last look ...................................... moves
 *   asleep, and what its workers wait for has not come ........................... has reason
 *   in one step since the last look, or asleep at two looks with its input there . stuck
 *
 * Threads: main. Memory: a few words a thread. Layer: daemon. */
#pragma once

#include "daemon/pipeline.h"

struct sighting {
	uint64_t turns;
	bool suspect; /* asleep without reason, as if a wake were just on its way */
};

struct watchdog {
	struct sighting *sightings; /* by runner */
	uint64_t every_ns;          /* between two looks; 0: never looks */
	uint64_t due_ns;
};

/* limit_ns: nobody may be stuck for longer; 0: no watchdog. 0 or -ENOMEM. */
int watchdog_begin(struct watchdog *w, const struct pipeline *p, uint64_t limit_ns,
		   uint64_t now_ns);
void watchdog_end(struct watchdog *w);

/* When the next look is due; UINT64_MAX: never. */
uint64_t watchdog_next_ns(const struct watchdog *w);
/* Looks. The name of a thread that is stuck, or NULL. */
const char *watchdog_look(struct watchdog *w, const struct pipeline *p, uint64_t now_ns);
