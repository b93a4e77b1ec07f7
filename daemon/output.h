/* output.h - what commands other than `run` print on stdout. Threads: main. Layer: daemon. */
#pragma once

#include "conf/units.h"

/* First of all: stdout is held back until output_end(). */
void output_begin(void);

/* Ends the output: 0, or EXIT_IO, having said why, when not all of it could be written (a full disk). */
int output_end(void);

/* Bytes as users write them, "256MiB": exactly what a round number is, others rounded up to three digits or so. Into
 * `text`, which is returned. */
const char *size_text(char text[static UNITS_TEXT_ROOM], uint64_t bytes);
