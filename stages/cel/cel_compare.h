/* cel_compare.h - equality across all types, and order within those that have one; numbers compare by what they are worth,
 * int, uint and double alike, without rounding.
 *
 * Threads: any. Memory: none; strings are decoded into scratch, and given back. Layer: stages. */
#pragma once

#include "stages/value.h"

enum {
	CEL_UNORDERED = 2,    /* one is NaN */
	CEL_INCOMPARABLE = 3, /* no order is defined between these types */
	/* Two larger maps are not compared: that would take the square of it. */
	CEL_PAIRS_COMPARED_MAX = 1024,
};

/* 1, 0, or -errno: -ENOSPC out of room, -ELOOP nested too deep, -E2BIG maps too large, -EINVAL malformed, -ERANGE a number
 * that cannot be decoded. */
int cel_equal(const struct value *a, const struct value *b, struct scratch *scratch);

/* -1, 0, 1, CEL_UNORDERED or CEL_INCOMPARABLE. Both are PLAIN. */
int cel_order(const struct value *a, const struct value *b);

/* The reason for an -errno of cel_equal() or cel_items_find(). */
const char *cel_compare_reason(int error);
