/* multiline_presets.h - the lines that stack traces and quoted values are made of.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "stages/multiline.h"

/* As multiline_next(), for a record that may have any size. *phase is 0 before the first line. */
unsigned multiline_preset_next(enum multiline_preset preset, uint8_t *phase, const uint8_t *line,
			       size_t length);
