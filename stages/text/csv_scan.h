/* csv_scan.h - one record of comma-separated values, field by field.
 *
 *	a,"b ""c"" d",,e        a | b ""c"" d | | e
 *
 *	struct csv_scan s = csv_from(bytes, length, ',', true);
 *	while ((r = csv_next(&s, &field)) > 0) ...
 *
 * RFC 4180, of one line, with any byte but a quote for the comma. A carriage return at the end belongs to the line's end. A
 * record has at least one field, an empty one one that is empty. Blanks belong to fields.
 *
 * Strict: a quote stands around a whole field, or twice within one that has quotes around it. If not, a quote that does not
 * open a field, and one within quotes that no comma and no end follows, is itself. A quote without an end is refused in
 * either case: a line's end within quotes has cut the record.
 *
 * Threads: any. Memory: none; time is linear. Layer: stages, libc only. */
#pragma once

#include "stages/text/text_span.h"

#include <stdbool.h>
#include <stddef.h>

struct csv_scan {
	const uint8_t *at, *end;
	uint8_t comma;
	bool strict, ended;
	const char *why; /* it is refused; static */
};

struct csv_field {
	struct text_span text; /* without the quotes around it */
	bool doubled;          /* some quotes in it stand for one each time there are two */
};

struct csv_scan csv_from(const uint8_t *bytes, size_t length, uint8_t comma, bool strict);

/* 1: a field; 0: there are no more; -EBADMSG: s->why. */
int csv_next(struct csv_scan *s, struct csv_field *ret_field);

/* Writes what a field with doubled quotes stands for, always fewer bytes than it has; returns how many. */
size_t csv_undouble(uint8_t *to, struct text_span text);
