/* parser_names.h - the fields that a parser can find, where its options say which: `types` and `time` must not speak of others.
 *
 *	parser_names_add()     for each of them
 *	parser_names_check()   then
 *
 * Threads: one. Memory: malloc, until parser_names_check(). Layer: stages. */
#pragma once

#include "stages/parser.h"

struct parser_names {
	char **list; /* without the prefix */
	size_t count;
	bool is_incomplete; /* there are others, or there may be: nothing is told */
};

void parser_names_add(struct parser_names *n, const char *name, size_t length);

/* Tells which fields cannot be found, and the nearest that can; and releases the names. */
void parser_names_check(struct parser_names *n, const struct parser_options *o,
			struct problems *problems);
