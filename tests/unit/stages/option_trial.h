/* option_trial.h - a table of options filled from YAML, as a topology fills it.
 *
 * Threads: one. Memory: option_fill_release() of what is filled. Layer: tests. */
#pragma once

#include "conf/option.h"

typedef void options_check(const void *options, struct place at, struct problems *problems);

/* Fails the test unless it goes without problems. check: NULL: there is none. */
void options_fill(const struct option *table, void *options, size_t size, options_check *check,
		  const char *yaml, void **ret_arena);

/* How many problems there are; the first is in *ret_text (a buffer that lives until the next call). */
size_t options_problems(const struct option *table, size_t size, options_check *check,
			const char *yaml, const char **ret_text);
