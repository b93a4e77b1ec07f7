/* encode_trial.h - an encoding alone: lines are parsed as JSON, where they are, and what is made of them is looked at.
 *
 * Threads: one. Memory: encode_end(). Layer: tests. */
#pragma once

#include "stages/encoding.h"
#include "tests/unit/stages/transform_trial.h"

struct encode_trial {
	struct transform_trial parsed;
	struct encoding_options options;
	void *arena;
	struct stage stage;
	struct stage_counters counters;
	struct column_set written;
	struct home made;
	size_t
	    capacity; /* of the buffers that it makes text in; before encode_begin(): 0: as it asks for */
	size_t length; /* of the text made last */
	char text[1 << 18];
};

/* yaml: what stands under `encoding`. */
void encode_begin(struct encode_trial *t, const char *yaml);
void encode_end(struct encode_trial *t);

/* The text that these lines, each with its newline, become, delimiters and all; it lives until the next call. */
const char *encode_lines(struct encode_trial *t, const char *lines, size_t length);
const char *encode_text(struct encode_trial *t, const char *lines);

/* How many problems the options have; the first is in ret_text (a buffer that lives until the next call). */
size_t encode_problems(const char *yaml, const char **ret_text);
