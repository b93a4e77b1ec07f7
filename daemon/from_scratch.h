/* from_scratch.h - `--from-scratch`: what a state directory remembers is set aside, not lost.
 * Threads: main. Blocks. Layer: daemon. */
#pragma once

#include <stddef.h>

/* Renames each file of that directory, but the lock and what was set aside before, to NAME.old, the epoch log first:
 * broken off in the middle, the next start either finds no log or does it again. Durable when it returns. How many it
 * were in *ret_count. 0 or -errno. */
int from_scratch(int directory, size_t *ret_count);
