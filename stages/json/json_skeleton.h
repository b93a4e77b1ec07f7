/* json_skeleton.h - what is left of a record without what is in its strings and how long its numbers are.
 *
 *	record     {"status": 500, "user": {"id": 7.25}}
 *	skeleton   {": 0, ": {": 0.0}}                      a quote for a string, a 0 for digits side by side
 *	quotes      1      8    15   20 ...                  and where they were
 *
 * Two records of one skeleton are both right or both wrong, as far as json_index.h has found their strings in order: the grammar
 * asks for nothing that is left out. The one thing it asks of digits, that no 0 leads a number, is looked at here.
 *
 * Skeletons as keys of what is known of earlier records are in the spirit of Y. Li, N. Katsipoulakis, B. Chandramouli, J. Goldstein,
 * D. Kossmann, "Mison: A Fast JSON Parser for Data Analytics" (VLDB 10, 2017), which guesses where fields are; here nothing is left
 * unchecked.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include "stages/json/json_blocks.h"

enum { JSON_SKELETON_SPARE = 64 }; /* whole blocks are stored */

struct json_skeleton {
	uint32_t length, quote_count;
	uint8_t bytes[JSON_WINDOW_BYTES + JSON_SKELETON_SPARE];
	uint16_t
	    quotes[JSON_WINDOW_BYTES +
		   JSON_SKELETON_SPARE]; /* offsets of those that begin and end strings, by turns */
};

/* Of length bytes, at most JSON_WINDOW_BYTES, from a record's first on; quotes: a word for each block, as json_index_window() leaves
 * them. False: a 0 may lead a number, or a string has no end. The one of json_kernels, which has none where walking is as fast. */
typedef bool json_skeleton_of(const uint8_t *bytes, size_t length, const uint64_t *quotes,
			      struct json_skeleton *ret_skeleton);

json_skeleton_of json_skeleton_avx512;
