/* value.h - one field of one record, or what an expression makes of some: typed, 16 bytes, not decoded before somebody asks.
 *
 *   {"status": 500, "path": "/a\/b", "user": {"id": 7}}
 *              ^3: INT, DIGITS  ^5: STRING, ESCAPED  ^9: MAP, the text as it stands
 *
 * Bytes point into the batch's buffer, or into a scratch that lives as long as the batch; a value owns nothing.
 *
 * Threads: any. Memory: none. Layer: stages, libc only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum value_type {
	VALUE_MISSING, /* the record has no such field */
	VALUE_ERROR,   /* an expression's; `why` says what */
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_UINT,
	VALUE_DOUBLE,
	VALUE_STRING, /* UTF-8 */
	VALUE_BYTES,
	VALUE_TIMESTAMP, /* nanoseconds since 1970, UTC */
	VALUE_DURATION,  /* nanoseconds */
	VALUE_LIST,      /* raw JSON that has been checked, with its brackets */
	VALUE_MAP,       /* the same, with its braces */
	VALUE_TYPES,
};

/* How the bytes of a value say it. */
enum value_form {
	VALUE_PLAIN,
	VALUE_ESCAPED, /* STRING: what stands between the quotes in JSON, with escapes still in it */
	VALUE_DIGITS,  /* INT, UINT, DOUBLE: a JSON number as it was written, `length` bytes */
};

struct value {
	union {
		bool b;
		int64_t i; /* INT, TIMESTAMP, DURATION */
		uint64_t u;
		double d;
		const uint8_t *bytes; /* STRING, BYTES, LIST, MAP, and all DIGITS */
		const char *why;      /* ERROR: static */
	};
	uint32_t length; /* of bytes */
	uint8_t type;    /* enum value_type */
	uint8_t form;    /* enum value_form */
};

/* Where decoded text and results go: taken from the front, given back all at once. */
struct scratch {
	uint8_t *at, *end;
};

/* NULL: there is no room. */
static inline uint8_t *scratch_take(struct scratch *s, uint64_t bytes)
{
	if (bytes > (uint64_t)(s->end - s->at))
		return 0;
	uint8_t *taken = s->at;
	s->at += bytes;
	return taken;
}

/* The same, from an address that is a multiple of align, a power of two. */
static inline void *scratch_take_aligned(struct scratch *s, uint64_t bytes, uintptr_t align)
{
	uint64_t skip = -(uintptr_t)s->at & (align - 1);
	uint8_t *taken = bytes > UINT64_MAX - skip ? 0 : scratch_take(s, bytes + skip);
	return taken ? taken + skip : 0;
}
