/* multiline_fixture.h - options of multiline as a user writes them, and what it makes of lines.
 * Threads: the test's. Memory: until multiline_forget(). Layer: tests. */
#pragma once

#include "stages/framer.h"

/* Of one line of YAML: "start: '^a', max_lines: 3". What it returns lasts until the next one. */
const struct multiline_options *multiline_from(const char *yaml);

/* Fails the test unless the lines make these records, a line each in which `|` stands for a newline; however the input is cut into
 * reads. */
void multiline_expect(const char *yaml, const char *lines, const char *records);

/* Of the last one. */
uint64_t multiline_cuts(void);

/* The records that a framer makes of the input, likewise, from reads of piece bytes. The caller frees it. */
char *multiline_records(const struct framing *framing, const char *input, size_t length,
			size_t piece);

void multiline_forget(void);
