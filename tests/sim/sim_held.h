/* sim_held.h - what sinks hold: in the files where they write now, and where they wrote before the topology changed.
 *
 * Threads: one. Memory: the caller's. Layer: tests. */
#pragma once

#include "tests/sim/sim_inode.h"
#include "tests/sim/sim_model.h"

void sim_past_release(struct sim_past *p);
void sim_past_note_absence(struct sim_past *p, size_t sink);
void sim_past_note_return(struct sim_past *p, size_t sink, const struct sim_input *input);

/* What is beneath /out/PLACE, and is nobody's yet, is what that sink wrote. False: it does not decode. */
bool sim_held_claim(struct sim_model *m, size_t sink, const char *place);

/* All of it, in the order in which it was written. False, with m->why: it does not decode, is too large, or did not stay. */
bool sim_held_gather(struct sim_model *m, size_t sink, struct sim_bytes *to);

/* Nothing but what is known has come to where no sink writes. */
bool sim_held_elsewhere_is_known(struct sim_model *m);

/* How many parts of files are known to be somebody's. */
size_t sim_held_claims(const struct sim_model *m);
