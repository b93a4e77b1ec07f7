/* cel_compare.h - equality across all types, and order within those that have one; numbers compare by what they are worth,
 * int, uint and double alike, without rounding.
 *
 * Threads: any. Memory: none; strings are decoded into scratch, and given back. Layer: stages. */
#pragma once

#include "stages/value.h"

enum {
	CEL_UNORDERED = 2,    /* one is NaN */
	CEL_INCOMPARABLE = 3, /* no order is defined between these types */
	/* Bytes of JSON that an operator may pass over while it compares: maps take the square of their size, and what is nested
	 * is passed over once for each level. */
	CEL_COMPARED_BYTES_MAX = 64 * 1024 * 1024,
};

/* What one operator may spend. */
struct cel_comparison {
	struct scratch *scratch;
	uint64_t bytes_left; /* of CEL_COMPARED_BYTES_MAX */
};

/* 1, 0, or -errno: -ENOSPC out of room, -ELOOP nested too deep, -E2BIG too large, -EINVAL malformed, -ERANGE a number that
 * cannot be decoded. */
int cel_equal(const struct value *a, const struct value *b, struct cel_comparison *c);

/* -1, 0, 1, CEL_UNORDERED or CEL_INCOMPARABLE. Both are PLAIN. */
int cel_order(const struct value *a, const struct value *b);

/* The reason for an -errno of cel_equal() or cel_items_find(). */
const char *cel_compare_reason(int error);
