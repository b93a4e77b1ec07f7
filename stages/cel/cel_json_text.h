/* cel_json_text.h - a list or map that an expression made, as JSON text: how it leaves.
 *
 * Threads: any. Memory: the text goes into the scratch. Layer: stages. */
#pragma once

#include "stages/value.h"

/* container of CEL_ITEMS as a PLAIN value with its text. Times and durations become strings; bytes and doubles that are no
 * numbers have no JSON: VALUE_ERROR. Recursion: as deep as the literals of the expression. */
struct value cel_json_text(const struct value *container, struct scratch *scratch);
