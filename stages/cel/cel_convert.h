/* cel_convert.h - int(), uint(), double(), string(), bytes(), bool(), timestamp(), duration().
 *
 * Threads: any. Memory: none; text goes into the scratch. Layer: stages. */
#pragma once

#include "stages/value.h"

/* v, PLAIN, of a type that the function table lets through, as the type; or VALUE_ERROR. */
struct value cel_converted(enum value_type type, const struct value *v, struct scratch *scratch);
