/* automaton.h - finds the first of any number of byte strings in one pass, whatever the strings and the bytes.
 *
 *   strings he, she, hers          0 --h--> 1 --e--> 3* --r--> 5 --s--> 6*       * a string ends here
 *   nodes in breadth-first order   0 --s--> 2 --h--> 4  --e--> 7*               fail: 4 -> 1, 7 -> 3
 *
 * (A. Aho, M. Corasick, "Efficient string matching: an aid to bibliographic search", 1975.) Children of a node stand
 * next to each other, so a node is a few numbers in arrays. The first nodes, where nearly all the time is spent, have
 * a full row of transitions as well; the rows are bounded, however many strings there are.
 *
 * Threads: prepared, it is read-only and shared by any number. Memory: owns its arrays; needs nothing of the strings
 * once it is made. Layer: stages. */
#pragma once

#include "stages/literals.h"

enum { AUTOMATON_NODE_BIT = 31 };

struct automaton {
	uint32_t node_count;
	/* Arrays by node. A node's children end where the next one's begin, so there is one more of these. */
	uint32_t *first_child;
	uint32_t *fail; /* the node of the longest proper suffix that is there */
	uint32_t *depth;
	uint32_t *ends;  /* length of the longest string that ends here, 0 when none does */
	uint8_t *labels; /* the byte that leads here */

	/* [row_count][class_count], by class of byte: where the next node's row begins in rows; or, when a string
	 * ends at that node or it has no row, the node with AUTOMATON_NODE_BIT set. */
	uint32_t *rows;
	uint32_t row_count, class_count;
	uint8_t class_of[256]; /* bytes that are in no string share class 0 */
};

/* What automaton_init() takes for strings of so many bytes altogether, at most; includes what it needs meanwhile. */
size_t automaton_footprint(size_t bytes_total, size_t count);

/* 0 or -ENOMEM. Every string has at least one byte; count >= 1. */
int automaton_init(struct automaton *a, const struct literal_bytes *strings, size_t count);
void automaton_release(struct automaton *a);

/* As literals_find(). */
const uint8_t *automaton_find(const struct automaton *a, const uint8_t *from, const uint8_t *end,
			      size_t *ret_length);
