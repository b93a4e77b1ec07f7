/* cel_check.h - names become fields and functions, each node gets its type, what is constant is evaluated once.
 *
 * A type is known from literals, operators and functions; a field may be anything (CEL_DYN), and so may what is taken from a
 * list or map. What no record could make right is refused.
 *
 * Threads: one. Memory: the program's arena. Recursion: CEL_DEPTH_MAX. Layer: stages. */
#pragma once

#include "stages/cel/cel.h"
#include "stages/cel/cel_node.h"

/* Checks the tree and fills in p's fields and patterns. 0, -ENOMEM, or -EINVAL with *ret_error filled in. */
int cel_check(struct cel_program *p, struct cel_node *root, const struct cel_names *names,
	      struct cel_error *ret_error);
