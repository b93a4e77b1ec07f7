/* draft_links.h - who reads whom, among stages that are not wired yet.
 *
 * Threads: one. Memory: an arena's. Layer: conf. */
#pragma once

#include "conf/arena.h"
#include "conf/stage_draft.h"

/* What is being wired. */
struct wiring {
	struct stage_drafts *drafts;
	struct arena *arena;
	struct problems *problems;
};

bool draft_is_called(const struct stage_draft *d, const struct text *name);

/* The stage of that name; drafts->count: there is none. */
size_t draft_find(const struct stage_drafts *drafts, const struct text *name);

/* That input of it; NULL: it has none. */
struct draft_input *draft_find_input(const struct stage_draft *d, size_t from, unsigned output);

/* name: what it stands in, for messages. 0; -EINVAL with a problem added: it stands there twice; -ENOMEM. */
int draft_add_input(const struct wiring *w, struct stage_draft *d, struct draft_input input,
		    const struct text *name);
