/* selector.h - which records of a batch hold a string or match a pattern; the filter's core.
 *
 *   region   GET /a 200 | GET /b 500 | POST /c 200 | GET /d 500
 *                                ^ hit                      ^ hit      one search over all records; a hit's record is
 *   records  0            1            2             3                 looked up, and the search goes on after it
 *
 * Patterns run only on records that hold one of the strings which any match must contain (required.h).
 *
 * Threads: one. Memory: all taken by selector_init(). Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/literals.h"
#include "stages/regex.h"
#include "stages/required.h"

enum { PATTERN_GATES = 2 };

struct pattern {
	struct regex regex;
	struct required required;
	/* Each finds something in whatever matches; NULL: not to be asked. */
	struct literals *gates[PATTERN_GATES];
};

struct selector {
	/* A record in which it finds nothing does not match; NULL: any may match. */
	struct literals *finder;
	struct pattern *patterns; /* one of these must match as well, if there are any */
	size_t pattern_count;
	bool invert;
};

struct selector_wish {
	const struct literal_bytes *contains; /* a record holds at least one of these ... */
	size_t contains_count;                /* (0: that is not asked) */
	const struct literal_bytes *regexes;  /* ... and matches at least one of these */
	size_t regex_count;                   /* (0: that is not asked) */
	bool invert;                          /* select the others */
};

/* The strings of `contains` must outlive s, the rest need not. 0, -ENOMEM, or -EINVAL when a pattern does not compile
 * (*ret_error is filled in) or a string is empty. */
int selector_init(struct selector *s, const struct selector_wish *wish,
		  struct regex_error *ret_error);
void selector_release(struct selector *s);

/* What selector_init() takes, at most, as near as can be told before compiling. */
size_t selector_footprint(const struct selector_wish *wish);

/* Keeps the records that are selected, in their order, and puts count, bytes_total and unterminated right. Returns how
 * many records a pattern gave up on; these count as not matching. */
size_t selector_apply(const struct selector *s, struct batch *b);
