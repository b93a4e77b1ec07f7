/* json_index.h - where strings begin and end in one record, a window of 4 KiB at a time; and whether what is in them may
 * be: escapes, control characters, UTF-8.
 *
 *	bytes      {"a\"b":"c"}
 *	quotes      1    1 1 1           escaped ones are taken out; the walker takes them one after the other
 *
 * Outside of strings nothing is looked at: that is the walker's (json_scan.c), which goes from quote to quote. Until it
 * has found everything before a quote in order, that quote means nothing: a backslash outside of a string, say, which
 * the walker refuses, would have made it an escaped one.
 *
 * Threads: one. Memory: inside. Nothing outside the record is read. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "stages/json/json_blocks.h"
#include "stages/json/json_mistake.h"

struct json_index {
	const uint8_t *bytes;
	size_t from, length;          /* what is indexed: [from, length) */
	size_t window, next;          /* where this window begins, and the one after it */
	size_t words;                 /* of masks.quotes in this window */
	size_t last_backslash;        /* one past the last one before this window; 0: none */
	size_t escapes_checked;       /* everything before this */
	bool backslashes;             /* there has been one */
	bool escaped;                 /* the next window's first byte is */
	bool in_string, utf8_checked; /* at the end of this window; for all of the record */
	struct json_masks masks;      /* of this window */
};

/* from < length; offsets are from bytes on. */
void json_index_begin(struct json_index *x, const uint8_t *bytes, size_t from, size_t length);

/* Goes on to the next window; there is one as long as next < length. In the last one a quote is put where there is none,
 * at length or beyond, so that there always is a next one. False: ret_mistake says why. */
bool json_index_window(struct json_index *x, struct json_mistake *ret_mistake);

/* Is there a backslash in [from, to)? `to` is not beyond this window, and there has been one: x->backslashes. */
bool json_index_backslash(const struct json_index *x, size_t from, size_t to);
