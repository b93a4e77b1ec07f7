/* cel_eval.h - a checked tree over one record: a walk of it, no deeper than CEL_DEPTH_MAX.
 *
 * Threads: as the context. Memory: none; what is made goes into the scratch. Layer: stages. */
#pragma once

#include "stages/cel/cel_node.h"
#include "stages/regex.h"

struct cel_context {
	const struct regex *regexes;
	const struct value *const *columns;
	size_t row;
	struct scratch *scratch;
};

/* What n gives: perhaps not PLAIN, perhaps CEL_ITEMS, perhaps VALUE_ERROR. */
struct value cel_eval_node(const struct cel_context *x, const struct cel_node *n);
