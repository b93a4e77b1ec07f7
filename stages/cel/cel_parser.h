/* cel_parser.h - the text of an expression as a tree: the grammar, and nothing of names and types.
 *
 *   ?:  ◄  ||  ◄  &&  ◄  relations, in  ◄  + -  ◄  * / %  ◄  ! -  ◄  . [] ()
 *
 * Threads: one. Memory: the tree and its texts in the arena. Recursion: CEL_DEPTH_MAX. Layer: stages. */
#pragma once

#include "stages/cel/cel_node.h"

#include "stages/cel/cel.h"

enum {
	CEL_PAIRS_MAX = 1024
}; /* in a map that is written out: all keys are compared with each other */

/* text is valid UTF-8 and stays as long as the tree. 0, -ENOMEM, or -EINVAL with *ret_error filled in. */
int cel_parse(const char *text, size_t length, struct arena *arena, struct cel_node **ret_root,
	      struct cel_error *ret_error);
