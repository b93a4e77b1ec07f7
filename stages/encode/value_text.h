/* value_text.h - a value as text, as it is before a format escapes it.
 *
 *   STRING      itself, without escapes         BYTES       base64
 *   TIMESTAMP   RFC 3339 in UTC                 DURATION    1.5s
 *   LIST, MAP   JSON                            numbers     as they were written, where they were
 *
 * Threads: any. Memory: the text lies where the value's does, or in the scratch. Layer: stages. */
#pragma once

#include "stages/text/text_span.h"
#include "stages/value.h"

/* 0; -ENOENT: there is none (missing, null, an error, no number); -ENOBUFS: it does not fit into the scratch. */
int value_text(const struct value *v, struct scratch scratch, struct text_span *ret_text);
