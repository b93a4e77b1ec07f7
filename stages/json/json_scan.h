/* json_scan.h - one JSON record: is it right, and where are the fields that somebody wants.
 *
 *	{"status": 500, "user": {"id": 7}}        wanted: status -> column 0, user.id -> column 1
 *	           ^^^                 ^
 *	values[0]  INT, DIGITS         values[1]
 *
 * Strict RFC 8259: an object with nothing but whitespace around it; everything is looked at, wanted or not. Refused are
 * also lone surrogates, what is not UTF-8, and more objects and arrays within each other than the plan allows. Of a name
 * that comes twice the last one counts, with all that is in it: of {"a":{"b":1},"a":{}} a.b is missing. Names are
 * compared as they are after their escapes. An array's elements have no path, and are in it when it is wanted.
 *
 * Values point into the record. Nothing outside [bytes, bytes + length) is read.
 *
 * Threads: any; a plan may be shared. Memory: 48 KiB of stack at most, of which a record touches what its depth needs;
 * time is linear in its length. Layer: stages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/json/json_mistake.h"
#include "stages/json/json_plan.h"
#include "stages/value.h"

/* One member of the record itself, as it is written. */
struct json_member {
	struct value name; /* STRING, PLAIN or ESCAPED */
	struct value value;
	uint32_t from, to; /* from the name's quote to past the value */
	uint16_t column;   /* or JSON_NO_COLUMN */
};

/* What an encoder that takes a record apart asks for, all of its members or those that somebody wants, or something within, in
 * the order they have in it. A name that comes twice is there twice: whoever cuts out a field cuts out each of it. */
struct json_members {
	struct json_member *at;
	uint32_t room, count;
	bool all;
	bool is_full;         /* there were more */
	uint32_t open, close; /* the record's own braces */
};

/* values: one for each of the plan's columns; MISSING where the record has no such field, all of them when it is refused.
 * members: filled in when it is not NULL. 0, or -EBADMSG and ret_mistake says why: malformed. */
int json_scan(const struct json_plan *plan, const uint8_t *bytes, uint32_t length,
	      struct value *values, struct json_members *members, struct json_mistake *ret_mistake);
