/* cel_overloads.h - which operators take which types, and what they give: what can be refused before any record is there.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "stages/cel/cel_node.h"

#include <stdbool.h>

/* Types are enum value_type or CEL_DYN, which is any; of a unary operator both are its operand's. False when no record can
 * make them fit; else *ret_type is what it gives. */
bool cel_overload(enum cel_op op, unsigned left, unsigned right, unsigned *ret_type);

/* As it is written: `+`, `in`, `[]`. */
const char *cel_op_sign(enum cel_op op);

/* `int`, `string`, ...; `dyn`. */
const char *cel_type_name(unsigned type);
