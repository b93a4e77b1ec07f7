/* cel_calls.h - the check of calls: which function, how many arguments, of which types.
 *
 * Threads: one. Memory: the program's arena. Layer: stages. */
#pragma once

#include "stages/cel/cel_checker.h"

/* That there is such a function and it may be called so, before its arguments are looked at: those of a macro make no sense
 * on their own. 0, or -EINVAL with the error filled in. */
int cel_check_callee(struct cel_checker *c, struct cel_node *n);

/* The call, its arguments checked. 0, -ENOMEM, or -EINVAL with the error filled in. */
int cel_check_call(struct cel_checker *c, struct cel_node *n);
