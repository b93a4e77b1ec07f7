/* cel_arithmetic.h - `+ - * / %` and unary minus: int64 and uint64 that overflow are errors, doubles are IEEE's, text and lists
 * are joined, times and durations added.
 *
 * Threads: any. Memory: none; joined text goes into the scratch. Layer: stages. */
#pragma once

#include "stages/cel/cel_node.h"
#include "stages/value.h"

/* a and b are PLAIN and no errors. */
struct value cel_arithmetic(enum cel_op op, const struct value *a, const struct value *b,
			    struct scratch *scratch);
struct value cel_negated(const struct value *a);
