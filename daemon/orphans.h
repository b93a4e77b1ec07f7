/* orphans.h - what the epoch log remembers for stages that the topology does not have any more.
 *
 * What is remembered goes by a source's name: under another name it begins anew, and its files are read again. That is
 * said at a start or reload, while the new one remembers nothing yet.
 *
 * Threads: any. Memory: none kept. Layer: daemon. */
#pragma once

#include "conf/topology.h"
#include "daemon/epoch_map.h"

/* True if it has the stage that is remembered under that name (pipeline_remembered_as()). Or -ENOMEM. */
int orphans_has_stage(const struct topology *t, const char *name);

/* Warns of each source whose files one that is gone has read. 0 or -ENOMEM. */
int orphans_warn(const struct topology *t, const struct epoch_map *map);
