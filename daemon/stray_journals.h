/* stray_journals.h - journals (stages/journal.h) in a state directory whose source the topology does not have any more.
 *
 * A journal goes by its source's type and name. What waits in one that nobody reads was acknowledged, maybe, and not handed on: that is
 * said at a start or reload, and how to go on with it. Nothing is deleted.
 *
 * Threads: any; blocks. Memory: none kept. Layer: daemon. */
#pragma once

#include "conf/topology.h"
#include "daemon/epoch_map.h"

/* directory: the state directory's descriptor, path: its path. 0 or -errno. */
int stray_journals_warn(const struct topology *t, const struct epoch_map *map, int directory,
			const char *path);
