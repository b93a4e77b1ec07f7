/* sketch.h - quantiles of numbers in bounded memory: DDSketch (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile
 * sketch with relative-error guarantees", VLDB 2019), with one sorted store for numbers of either sign.
 *
 *   x > 0 counts in bin ceil(log(x) / log(g)), g = 1.01 / 0.99, whose middle is within 1 % of it
 *   bins   [ -x ... | 0 | ... x ]     those that anything counts in, by the numbers they stand for
 *
 * What it says of a quantile is within 1 % of the number that has that rank, as long as no more than SKETCH_BINS bins are needed:
 * numbers that fill every bin over more than four decades. When they are, two of those nearest 0 become one, so that it is the
 * smallest numbers of which less is known.
 *
 * What it holds follows from what was added, in that order; taken to bytes and back it goes on alike.
 *
 * Threads: the owner's. Memory: the caller's. Layer: stages. */
#pragma once

#include "stages/packer.h"

enum { SKETCH_BINS = 512 };

struct sketch_bin {
	int32_t at;
	uint32_t count; /* full at its largest: then there is another of the same place */
};

/* All zero is an empty one. */
struct sketch {
	uint32_t used;
	struct sketch_bin bins[SKETCH_BINS];
};

/* x: finite. */
void sketch_add(struct sketch *s, double x);

/* The number of that rank, of `count` that were added; q: 0 to 1; count > 0. */
double sketch_quantile(const struct sketch *s, uint64_t count, double q);

void sketch_pack(const struct sketch *s, struct packer *p);
/* False: that is none. */
bool sketch_unpack(struct sketch *s, struct packed *p);
