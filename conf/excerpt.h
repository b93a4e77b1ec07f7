/* excerpt.h - a value as a message may quote it: short, printable, and never a secret.
 *
 * Threads: any. Memory: by value, so that it can stand in a call: problem_add(..., excerpt_of(...).text).
 * Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What is shown in the place of a secret. */
#define SECRET_SHOWN "***"

struct excerpt {
	char text[96];
};

/* The first bytes, control characters as \xNN, `...` where it was cut (never inside a character). secret: `***`. */
struct excerpt excerpt_of(const char *bytes, size_t length, bool secret);
