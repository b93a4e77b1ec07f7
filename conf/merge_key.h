/* merge_key.h - what a map comes to once all its keys are read: duplicates told, `<<` replaced by what it brings.
 *
 * Threads: one. Memory: the arena's. Layer: conf. */
#pragma once

#include "conf/node.h"
#include "conf/problems.h"

/* `<<` (unquoted) takes a map, or a list of maps of which the first that has a key gives it; what the map itself says
 * wins over all of them. 0; -EINVAL with problems added, the map then holding each key once all the same; -ENOMEM.
 * Source: https://yaml.org/type/merge.html */
int merge_keys(struct arena *arena, struct node *map, struct problems *problems);
