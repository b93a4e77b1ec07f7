/* tally.h - what is known of the numbers of one field, over many records: how many, their sum, the least, the most, and, if a
 * sketch is kept, their quantiles.
 *
 * Whole numbers are added up exactly; the sum of more than 64 bits can hold, or of any that are not whole, is a double, the nearest
 * that compensated summation finds (Neumaier 1974).
 *
 * Threads: the owner's. Memory: the caller's. Layer: stages. */
#pragma once

#include "stages/packer.h"
#include "stages/value.h"

struct sketch;

__extension__ typedef __int128 tally_whole;

/* All zero is an empty one. */
struct tally {
	tally_whole whole;     /* of whole numbers; 2^63 of the largest fit */
	double real, lost;     /* of the others, and what rounding took */
	uint64_t count, reals; /* of numbers; of those that are not whole ones */
	struct value least, most;
};

/* Makes PLAIN of a number. NULL, or why it is none that can be counted (static). */
const char *tally_number(struct value *v);

/* v: of tally_number(). sketch may be NULL. */
void tally_add(struct tally *t, struct sketch *sketch, const struct value *v);

/* Each INT, UINT or DOUBLE; of no numbers the sum is 0, and the others NULL. */
struct value tally_sum(const struct tally *t);
struct value tally_mean(const struct tally *t);
struct value tally_least(const struct tally *t);
struct value tally_most(const struct tally *t);
/* Within a hundredth of the number of that rank (sketch.h says when), and not beyond the least and the most. */
struct value tally_quantile(const struct tally *t, const struct sketch *sketch, double q);

void tally_pack(const struct tally *t, struct packer *p);
/* False: that is none. */
bool tally_unpack(struct tally *t, struct packed *p);
