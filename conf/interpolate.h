/* interpolate.h - `${...}` in scalar values, filled in after the YAML is parsed, so that what comes in can never become
 * structure.
 *
 *   ${VAR}            its value; unset is a problem
 *   ${VAR:-default}   the default where it is unset or empty; `${` may stand in it
 *   ${VAR:?message}   a problem with this message where it is unset or empty
 *   ${file:/path}     a secret: the file's content without one newline at its end
 *   $$                a `$`; any other `$` stands for itself
 *
 * Quotes around a value with `${` in it, which YAML asks for between brackets, do not make a text of what is filled in:
 * "${CAPACITY:-64}" is a number.
 *
 * Threads: one. Memory: an arena's. Blocks where secrets are read. Layer: conf. */
#pragma once

#include "conf/node.h"
#include "conf/problems.h"

enum {
	SECRET_BYTES_MAX = 64 << 10,
	INTERPOLATED_BYTES_MAX = 1 << 20,
	INTERPOLATION_DEPTH_MAX = 8,
};

struct interpolation {
	struct arena *arena;
	struct problems *problems;
	const char *(*variable)(const char *name); /* NULL when unset; NULL itself: none is set */
};

/* Fills in all values in and below n. A value that can't be becomes `broken`. 0; -EINVAL with problems added;
 * -ENOMEM, told by the arena. */
int interpolate(const struct interpolation *in, struct node *n);
