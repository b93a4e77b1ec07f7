/* cel_fold.h - what has no fields in it is evaluated once, when it is compiled.
 *
 * Threads: one. Memory: the results in the arena. Layer: stages. */
#pragma once

#include "conf/arena.h"
#include "stages/cel/cel_node.h"

enum { CEL_FOLDING_BYTES = 256 * 1024 };

/* Makes a CONSTANT of n when all its children are, and it gives no error: errors stay where they are, as another operand may
 * absorb them. Its type stays what the check found. scratch is only borrowed. 0 or -ENOMEM. */
int cel_fold(struct arena *arena, const struct scratch *scratch, struct cel_node *n);
