/* json_value.h - one value as JSON, on one line.
 *
 *   STRING      a string; what is not UTF-8 in it becomes U+FFFD      BYTES      a string, base64
 *   TIMESTAMP   a string, RFC 3339 in UTC                             DURATION   a string, "1.5s"
 *   NaN, infinities, MISSING and ERROR: null                          numbers as they were written, where they were
 *
 * Threads: any. Memory: the caller's. Layer: stages. */
#pragma once

#include "stages/encode/writer.h"
#include "stages/value.h"

void json_put_value(struct writer *w, const struct value *v);

/* JSON that has been checked, as it stands but on one line: between its tokens a line break becomes a space. */
void json_put_checked(struct writer *w, const uint8_t *text, size_t length);

/* A string, escaped. */
void json_put_string(struct writer *w, const uint8_t *bytes, size_t length);
