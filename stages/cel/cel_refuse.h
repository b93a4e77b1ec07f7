/* cel_refuse.h - why a text is no expression: the first reason, and where.
 *
 * Threads: one. Memory: none. Layer: stages. */
#pragma once

#include "stages/cel/cel.h"

/* Says why, at offset, printable and cut where it is too long. -EINVAL. */
int cel_refuse(struct cel_error *error, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
