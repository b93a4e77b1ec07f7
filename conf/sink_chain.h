/* sink_chain.h - a sink that is others (`fallback`): its inputs are the first one's, and each gets what the one before it could not store.
 *
 *   parsed ──► fallback {sinks: [near, far]}          parsed ──► (stand-in) ──► near ──failed──► far
 *
 * Threads: one. Memory: an arena's. Layer: conf. */
#pragma once

#include "conf/draft_links.h"

/* Wires those sinks. 0; -EINVAL with problems added; -ENOMEM. */
int chain_connect(struct stage_drafts *drafts, struct arena *arena, struct problems *problems);
