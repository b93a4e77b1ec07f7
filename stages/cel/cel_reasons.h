/* cel_reasons.h - why an expression has no value: static texts, so that an error costs nothing.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "stages/value.h"

#define CEL_NO_OVERLOAD "no such overload"
#define CEL_NO_FIELD "no such field"
#define CEL_NO_KEY "no such key"
#define CEL_OUT_OF_RANGE "index out of range"
#define CEL_OVERFLOW "integer overflow"
#define CEL_TIME_OVERFLOW "time out of range"
#define CEL_DIVIDED_BY_ZERO "division by zero"
#define CEL_MODULO_ZERO "modulus by zero"
#define CEL_RANGE "number out of range"
#define CEL_OUT_OF_ROOM "out of room"
#define CEL_BAD_JSON "malformed JSON"
#define CEL_TOO_DEEP "nested too deep"

static inline struct value cel_error_value(const char *why)
{
	return (struct value){.why = why, .type = VALUE_ERROR};
}
