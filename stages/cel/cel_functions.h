/* cel_functions.h - the functions there are: one table, for the check and for evaluation.
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "stages/value.h"

#include <stdbool.h>
#include <stddef.h>

struct suggest;

enum {
	CEL_ARGUMENTS_MAX = 2, /* the target among them */
	CEL_ZONE = 1,          /* the argument that may be a time zone */
};

enum cel_style {
	CEL_GLOBAL = 1,     /* f(x, y) */
	CEL_METHODICAL = 2, /* x.f(y) */
};

struct cel_function {
	const char *name;
	uint8_t styles; /* enum cel_style */
	uint8_t least, most;
	uint8_t gives;                     /* enum value_type or CEL_DYN */
	uint16_t takes[CEL_ARGUMENTS_MAX]; /* CEL_BIT()s: which types */
	uint8_t detail; /* which enum value_type to convert to, which enum cel_part */
	/* The arguments are PLAIN, and of types that it takes. NULL: the check sees to it. */
	struct value (*call)(const struct cel_function *f, const struct value *arguments,
			     unsigned count, struct scratch *scratch);
};

#define CEL_BIT(type) ((uint16_t)(1U << (type)))

/* NULL: there is none. */
const struct cel_function *cel_function_named(const char *name, size_t length);

/* Calls suggest_consider() with each that may be called in that style. */
void cel_functions_consider(struct suggest *s, enum cel_style style);
