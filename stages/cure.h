/* cure.h - what to do when what is remembered, or what it is remembered of, is lost for good: messages name it as the cure, in
 * the same words everywhere. README.md, "When it refuses", says why.
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#define CURE_FROM_SCRATCH                                                                          \
	"or move all outputs away, as records come once more, and begin with --from-scratch"

static const char cure_state[] __attribute__((unused)) =
    "restore the state directory as a whole, " CURE_FROM_SCRATCH;
