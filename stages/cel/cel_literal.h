/* cel_literal.h - what the token of a number, string or bytes stands for.
 *
 * Threads: one. Memory: text is decoded into the arena. Layer: stages. */
#pragma once

#include "stages/cel/cel_lexer.h"

/* negative: a minus stands before the number. 0, -ENOMEM, or -EINVAL with the error filled in. */
int cel_literal(const struct cel_token *t, bool negative, struct arena *arena,
		struct cel_error *error, struct value *ret_value);
