/* cel_checker.h - what the parts of the check share.
 *
 * Threads: one. Memory: the program's arena. Layer: stages. */
#pragma once

#include "stages/cel/cel.h"
#include "stages/cel/cel_node.h"

struct cel_checker {
	struct cel_program *program;
	const struct cel_names *names;
	struct cel_error *error;
	/* The program's, while they grow. */
	struct cel_field *fields;
	struct cel_pattern *patterns;
	size_t field_room, pattern_room;
	struct scratch folding;
};

/* The node and all below it. 0, -ENOMEM, or -EINVAL with the error filled in. */
int cel_check_node(struct cel_checker *c, struct cel_node *n);

/* has(...), a CALL whose argument is not checked yet. The same. */
int cel_check_has(struct cel_checker *c, struct cel_node *n);
