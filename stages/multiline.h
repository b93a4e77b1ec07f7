/* multiline.h - which lines belong together and are one record.
 *
 *	start: '^\d{4}-'                 2026-11-22 request failed       BEGINS
 *	                                 java.io.IOException: closed
 *	                                     at Server.read
 *	                                 2026-11-22 request served       BEGINS: what was open is complete
 *
 *   a line                            belongs to the record before it, if that is open,
 *   matches `start`                   never: it begins one
 *   matches `end`                     yes, and that is complete with it
 *   other, with `continue`            if it matches
 *   other, without `continue`         yes
 *
 * What begins a record leaves it open, save where there is `start` beside `continue` or `end`: then lines that match none of them
 * are no part of anything, and a record each. Where a record was cut, because it had as many lines or bytes as it may, and where
 * it was handed on because nothing more came, the next line is looked at as if it were the first of all: so whoever begins
 * to read there finds the same records.
 *
 * Threads: one; each instance of a stage has its own. Memory: the compiled patterns, until multiline_release(). Layer: stages. */
#pragma once

#include "conf/option.h"
#include "stages/regex.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum multiline_preset {
	MULTILINE_PATTERNS, /* none */
	MULTILINE_JAVA,
	MULTILINE_PYTHON,
	MULTILINE_GO,
	MULTILINE_CSV,
};

struct multiline_options {
	struct text start, goes_on, end;
	uint64_t preset; /* enum multiline_preset */
	uint64_t max_lines, max_bytes;
	uint64_t timeout_ns;
};

/* For a source, as a group's rows; for a transform, as its table. */
extern const struct option multiline_table[];

/* Adds what is wrong with them. at: of the stage or the group. */
void multiline_check(const struct multiline_options *o, struct place at, struct problems *problems);

struct env;
struct stage_counters;

struct multiline {
	const struct multiline_options *options;
	struct regex start, goes_on, end;
	bool has_start, has_continue, has_end;
	struct env *env;
	struct stage_counters
	    *counters; /* lost: records that were cut; errors: patterns that gave up */
	bool said;     /* that one gave up */
};

/* 0; or -ENOMEM, having said so. multiline_release() in any case. */
int multiline_init(struct multiline *m, const struct multiline_options *o, struct env *env,
		   struct stage_counters *counters);
void multiline_release(struct multiline *m);

/* What regex_init() takes for these. */
size_t multiline_memory(const struct multiline_options *o);

/* The longest record: joined, or a line that is longer by itself. */
size_t multiline_record_max(const struct multiline_options *o, size_t max_line);

/* The record that is open: all zero when none is. */
struct multiline_open {
	uint32_t lines; /* so far; 0: none is open */
	uint8_t phase;  /* of a preset */
};

/* What a line does; bits. */
enum {
	LINE_BEGINS = 1, /* what was open is complete without it */
	LINE_ENDS = 2,   /* it completes the record */
};

/* Looks at the next line, and notes it in `open`: of none after LINE_ENDS. joined: how many bytes the open record would have with
 * it. */
unsigned multiline_next(struct multiline *m, struct multiline_open *open, const uint8_t *line,
			size_t length, size_t joined);
