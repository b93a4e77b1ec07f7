/* wiring.h - who reads whom: names and wildcards become indices, what can't work is told, and the stages are put in
 * order.
 *
 * Threads: one. Memory: an arena's. Layer: conf. */
#pragma once

#include "conf/stage_draft.h"

/* Fills each draft's inputs and position (every input stands before its readers; else as written). `at` is where a
 * missing section is told. 0; -EINVAL with problems added: unknown input, sink as input, cycle, stage that nobody
 * reads, same id twice, a second stage of a kind there can be one of, no source, no sink; -ENOMEM, told by the arena. */
int wiring_connect(struct stage_drafts *drafts, struct place at, struct arena *arena,
		   struct problems *problems);
