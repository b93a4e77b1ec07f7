/* json_lines.h - JSON texts, as they come in pieces, made into a line for each value: those of an array, or each that stands alone.
 *
 *	[{"a": 1},          {"a": 1}
 *	 {"b":        -->   {"b":  [2, 3]}
 *	  [2, 3]}]          7
 *	7
 *
 * Of a value nothing changes but that newlines between its parts are left out (there are none within strings), so each is on
 * a line of its own, whatever it holds. Everything is held against the grammar (RFC 8259) as it comes, save that strings are UTF-8; a mistake
 * is told at the first byte that no JSON text could go on with. Values may stand one behind the other, with or without anything between.
 *
 * Threads: the owner's. Memory: its own 96 bytes. Layer: libc only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_LINES_DEPTH = 256, JSON_LINES_ROOM = 8 /* the least room that something fits into */ };

struct json_lines {
	uint64_t
	    objects[JSON_LINES_DEPTH / 64]; /* a bit for each level that is open: it is an object */
	uint32_t depth;
	uint8_t at;       /* what may come next: enum json_lines_at */
	uint8_t left;     /* of a \u escape: digits */
	bool is_key;      /* of the string that is open */
	bool is_list;     /* the text is an array, whose values get lines */
	const char *word; /* what is left of true, false, null */
	uint64_t lines;   /* so many are whole */
	uint64_t offset;  /* bytes taken; where the mistake is */
	const char *why;  /* static, after -EBADMSG */
};

void json_lines_init(struct json_lines *j);

/* Takes bytes[0, length) as far as what comes of them has room; room: JSON_LINES_ROOM at least. How many it took; *ret_made: how many it wrote. -EBADMSG: it
 * is no JSON, see `why` and `offset`; then nothing may follow. */
ptrdiff_t json_lines_take(struct json_lines *j, const uint8_t *bytes, size_t length, uint8_t *to,
			  size_t room, size_t *ret_made);

/* No more will come: writes the newline that is due, at most one byte. 0 or -EBADMSG. */
int json_lines_end(struct json_lines *j, uint8_t *to, size_t *ret_made);
