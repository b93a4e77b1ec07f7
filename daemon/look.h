/* look.h - what `sluice check` sees when it looks at the disk: what is not wrong in the topology itself, but may well be a
 * mistake where it is to run.
 *
 * Threads: main; blocks. Memory: none kept. Layer: daemon. */
#pragma once

#include "conf/problems.h"
#include "conf/topology.h"

/* Warns of patterns that match no file now, of what may not be read, of outputs whose directory is not there or that may not
 * be written, and of a `state_dir` that cannot be used, by the user who looks. */
void look_at_disk(const struct topology *t, struct problems *problems);

/* True if the sink writes to what is there now and no regular file: a FIFO, a device. */
bool look_is_stream(const struct topology_stage *sink);
