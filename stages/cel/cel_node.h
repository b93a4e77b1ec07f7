/* cel_node.h - an expression as a tree. The parser makes it, the check gives each node its type and resolves names, and then
 * nobody writes it again.
 *
 *   a.b > 1 && x in [2, 3]          AND ─ first ─► GREATER ──────── next ─────────► IN
 *                                                    └► SELECT b ─► CONSTANT 1      └► IDENT x ─► LIST ...
 *                                                         └► IDENT a
 * Threads: any, after the check. Memory: the program's arena. Layer: stages. */
#pragma once

#include "stages/value.h"

#include <stddef.h>

struct cel_function;

enum cel_op {
	CEL_CONSTANT,
	CEL_IDENT,  /* a name; the check makes a COLUMN of it */
	CEL_COLUMN, /* a field of the record */
	CEL_SELECT, /* first: what it is taken from; name */
	CEL_HAS,    /* first: the SELECT or COLUMN that is asked for */
	CEL_INDEX,  /* first: of what; then which */
	CEL_CALL,   /* name, or function once it is checked; arguments */
	CEL_METHOD, /* the same, with its target as the first argument; the check makes a CALL of it */
	CEL_MATCHES, /* first: the text; pattern */
	CEL_LIST,    /* elements */
	CEL_MAP,     /* key, value, key, value... */
	CEL_NOT,
	CEL_NEGATE,
	CEL_MULTIPLY,
	CEL_DIVIDE,
	CEL_MODULO,
	CEL_ADD,
	CEL_SUBTRACT,
	CEL_LESS,
	CEL_LESS_EQUAL,
	CEL_GREATER,
	CEL_GREATER_EQUAL,
	CEL_EQUAL,
	CEL_NOT_EQUAL,
	CEL_IN,
	CEL_AND, /* two or more */
	CEL_OR,  /* two or more */
	CEL_CONDITION,
};

struct cel_node {
	uint8_t op;   /* enum cel_op */
	uint8_t type; /* enum value_type or CEL_DYN */
	uint16_t depth;
	uint32_t offset; /* into the text: of an operator the operator's */
	uint32_t count;  /* of children */
	uint32_t name_length;
	const char *name; /* IDENT, SELECT, CALL, METHOD */
	struct cel_node *first, *last, *next;
	union {
		struct value constant;               /* CONSTANT */
		size_t column;                       /* COLUMN: which; of the caller's */
		size_t pattern;                      /* MATCHES: which of the program's */
		const struct cel_function *function; /* CALL, checked */
	};
};
