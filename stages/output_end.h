/* output_end.h - how long files are that an output has left: one that is opened again and still is as it was left ends with a
 * whole frame, and needs neither to be looked through nor to be synced.
 *
 * Of many files the ones left last are known.
 *
 * Threads: the owner's. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdint.h>

struct output_end {
	uint64_t inode; /* 0: of none */
	int64_t birth_ns;
	uint64_t length;
};

enum { OUTPUT_ENDS_MAX = 1024 };

/* All zero knows none. */
struct output_ends {
	struct output_end list[OUTPUT_ENDS_MAX];
	unsigned count, next; /* next: the one that is forgotten for another */
};

/* Takes the place of what was known of that inode. */
void output_ends_note(struct output_ends *e, struct output_end end);

/* NULL: it is not known. */
const struct output_end *output_ends_find(const struct output_ends *e, uint64_t inode);
