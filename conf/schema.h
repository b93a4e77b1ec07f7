/* schema.h - what conf needs to know of a kind of stage to check one: `struct stage_type` begins with it.
 *
 * Threads: any; all of it is const. Memory: the program's. Layer: conf. */
#pragma once

#include "conf/option.h"

enum stage_kind { STAGE_SOURCE, STAGE_TRANSFORM, STAGE_SINK };
enum { STAGE_KINDS = 3 };

struct stage_schema {
	enum stage_kind kind;
	const char *name;    /* what `type:` says; a source and a sink may share one */
	const char *summary; /* one line for `sluice list` */
	const struct option *options;
	size_t options_size; /* of the struct that the options fill */

	/* Checks what the table cannot say (a regex compiles, two options agree). Called only when the table found
	 * nothing wrong; `at` is where the stage's id stands. Adds to problems, at the places its texts carry where
	 * it can. May be NULL. */
	void (*check)(const void *options, struct place at, struct problems *problems);

	/* Most `workers:` that make sense; 1: the option is refused; 0 counts as 1. */
	unsigned workers_max;

	/* Transforms: the number, from 0, of the output of that name that records can be sent to beside the main one; -1: it has
	 * none of that name. NULL: it has none. */
	int (*output)(const void *options, const char *name, size_t length);
	/* Their names by number, for messages; NULL where there are no more. */
	const char *(*output_name)(const void *options, size_t number);

	/* Sinks: a transform that is put in front of it, with options of its own that are part of the sink's; sources: likewise
	 * behind it. NULL, or it returns NULL: none is. Called when nothing is wrong with the options. */
	const struct stage_schema *(*companion)(const void *options, const void **ret_options);

	/* A sink with these options tries again for ever what fails but may succeed. NULL: it never does. */
	bool (*tries_for_ever)(const void *options);

	/* A sink that is others: their names, of which each gets what the one before it could not store. In the topology stands the
	 * transform `stand_in` for it, which hands all to the first. NULL: it is itself. */
	const struct text_list *(*chain)(const void *options);
	const struct stage_schema *stand_in;

	/* Nothing comes out of it but by those names. One that begins with `_` need not be read. */
	bool no_main;

	/* There may be records that it can do nothing with, or, a sink, not store, and `on_error` says what becomes of them. */
	bool has_failures;

	/* There is one of what it stands for in a process (standard input): a second stage of it is refused. */
	bool only_one;
};

/* One that this build could have, but for a library. */
struct stage_left_out {
	enum stage_kind kind;
	const char *name; /* NULL ends a table of them */
	const char *library;
};

/* The kinds of stage in this build: `types` ends with NULL. */
struct stage_catalog {
	const struct stage_schema *const *types;
	const struct stage_left_out *left_out; /* NULL: nothing is */
	/* A transform that is put in front of stages whose queue spills; its options are a struct spill_options (topology.h). NULL:
	 * none is. */
	const struct stage_schema *spill;
};

/* "source", "transform", "sink". */
extern const char *const stage_kind_names[STAGE_KINDS];
/* The top-level keys they stand under: "sources", ... */
extern const char *const stage_section_names[STAGE_KINDS];

/* NULL when there is none. `name` need not end with a NUL. */
const struct stage_schema *stage_schema_find(const struct stage_catalog *catalog,
					     enum stage_kind kind, const char *name, size_t length);
