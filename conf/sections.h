/* sections.h - several files as one: their `sources`, `transforms` and `sinks` put together, so are their `tests`; everything else once.
 *
 * Threads: one. Memory: an arena's. Layer: conf. */
#pragma once

#include "conf/node.h"
#include "conf/problems.h"

/* Adds what a file holds; both are maps. 0; -EINVAL, with problems added, where a section is no map; -ENOMEM. */
int sections_add(struct arena *arena, struct node *root, const struct node *file_root,
		 struct problems *problems);

/* Once all files are added: tells what is there twice, with both places. As above. */
int sections_check(struct arena *arena, struct node *root, struct problems *problems);

/* NULL when the section isn't there or is empty. -EINVAL with a problem added when it is no map: --set may have put
 * anything there. */
int sections_find(const struct node *root, const char *name, struct problems *problems,
		  const struct node **ret_section);
