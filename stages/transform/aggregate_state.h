/* aggregate_state.h - what `aggregate` has to know from one epoch to the next: the groups that are open, and the watermark.
 *
 * Groups were counted for certain options; whether for these, a fingerprint tells.
 *
 * Threads: the owner's. Memory: taken by aggregate_state_init(). Layer: stages. */
#pragma once

#include "stages/aggregate_plan.h"
#include "stages/stage.h"
#include "stages/transform/aggregate_options.h"
#include "stages/transform/watermark.h"
#include "stages/window_groups.h"

struct aggregate_state {
	struct window_groups groups;
	struct watermark watermark;
	uint64_t fingerprint;
	size_t by_count; /* values of a group's key */
	bool has_news;   /* that are not remembered yet */
};

size_t aggregate_state_memory(const struct aggregate_options *o, const struct aggregate_plan *plan);

/* The plan outlives it. 0 or -ENOMEM; aggregate_state_release() in any case, also of what is all zero. */
int aggregate_state_init(struct aggregate_state *a, const struct aggregate_options *o,
			 const struct aggregate_plan *plan);
void aggregate_state_release(struct aggregate_state *a);

int aggregate_state_snapshot(struct aggregate_state *a, struct delta *d);

/* What the stage remembers, if anything. 0; -EINVAL, -ENOSPC: the options are others now, which has been said; -EBADMSG; -ENOMEM. */
int aggregate_state_load(struct aggregate_state *a, const struct stage *s);

/* stage_type.tell */
int aggregate_state_tell(const void *options, const struct delta *saved, struct teller *t);
