/* literals.h - finds the first of many byte strings in a region.
 *
 * One: literal.h. A few: a vectorised fingerprint filter over buckets (Teddy, as in Intel's Hyperscan), candidates
 * verified. Many: an Aho-Corasick automaton (automaton.h). Chosen by literals_prepare().
 *
 * Threads: prepared, it is read-only and shared by any number. Memory: owns its tables; strings are the caller's and
 * must outlive it. Layer: stages. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct literal_bytes {
	const void *bytes;
	size_t length; /* >= 1 */
};

/* For qsort() over struct literal_bytes: by the bytes, a beginning before what it begins. */
int literal_bytes_compare(const void *a, const void *b);

struct literals; /* opaque */

/* 0, -ENOMEM, -EINVAL (no string, or an empty one). *ret_literals is untouched on failure. */
int literals_prepare(struct literals **ret_literals, const struct literal_bytes *strings,
		     size_t count);
void literals_free(struct literals *l); /* NULL is allowed */

/* What literals_prepare() takes for count strings of so many bytes altogether, at most. */
size_t literals_footprint(size_t bytes_total, size_t count);

/* The first position in [from, end) at which some string begins and which lies whole in the region; NULL if none.
 * *ret_length: the length of a string found there. Reads no byte outside of the region. Linear in the region's
 * length, whatever it holds. */
const uint8_t *literals_find(const struct literals *l, const uint8_t *from, const uint8_t *end,
			     size_t *ret_length);
