/* field_type.h - what a field is to be, of whatever a parser has found: `types: {status: int}`, and grok's `:int`.
 *
 *	string      text as it stands, without escapes; a number's digits
 *	int         7 -7 +7 007, in 64 bits; without a sign it may be an unsigned one
 *	float       whatever JSON calls a number, and .5 +1. 007; the nearest double
 *	bool        true, false
 *	timestamp   RFC 3339
 *
 * Threads: any. Memory: none. Layer: stages. */
#pragma once

#include "stages/value.h"

#include <stddef.h>

enum field_type {
	FIELD_TYPE_AS_FOUND,
	FIELD_TYPE_STRING,
	FIELD_TYPE_INT,
	FIELD_TYPE_FLOAT,
	FIELD_TYPE_BOOL,
	FIELD_TYPE_TIMESTAMP,
};

/* By number; AS_FOUND has none. NULL behind the last. */
extern const char *const field_type_names[];

/* The type of that name; -1: there is none. */
int field_type_find(const char *name, size_t length);

/* Text as such a value. Each: NULL, or why it is none (static). A float that JSON would write the same keeps its text. */
const char *field_to_string(const uint8_t *bytes, size_t length, struct value *ret_value);
const char *field_to_int(const uint8_t *bytes, size_t length, struct value *ret_value);
const char *field_to_float(const uint8_t *bytes, size_t length, struct value *ret_value);
const char *field_to_bool(const uint8_t *bytes, size_t length, struct value *ret_value);

/* Makes it one of the type. What is missing or null stays so. NULL, or why it cannot be one (static), and v is as it was. room: for
 * text that had escapes. */
const char *field_convert(struct value *v, enum field_type type, struct scratch *room);
