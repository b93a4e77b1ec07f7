/* json_shape.h - the shape of one record: its skeleton, the names by which its fields are found, and where they stand between its
 * quotes. Only json_shapes.c and tests use it.
 *
 *	{"status": 500, "user": {"id": 7}}
 *	 0      1       2    3   4  5    6      quotes, and one more at the end
 *	names   status at 0, user at 2, user.id at 4
 *	parts   status: 2 bytes behind quote 1 to 2 before quote 2; user.id: 2 behind 5 to 2 before 6
 *
 * Threads: any once it is made. Memory: the caller's. Layer: stages. */
#pragma once

#include "stages/json/json_index.h"
#include "stages/json/json_place.h"
#include "stages/json/json_plan.h"
#include "stages/json/json_skeleton.h"
#include "stages/value.h"

enum {
	JSON_SHAPE_BYTES_MAX = 1024, /* of the skeleton */
	JSON_SHAPE_TEXT_MAX = 1024,  /* of all names */
	JSON_SHAPE_NAMES_MAX = 64,
	JSON_SHAPE_FIELDS_MAX = 32,
	JSON_SHAPE_DEPTH_MAX = 16,
};

struct json_shape_name {
	uint64_t word; /* json_name_word() */
	uint16_t quote, length;
	uint16_t text; /* its bytes, in the shape's */
};

/* What differs in a part from record to record, besides where it stands. */
enum json_shape_kind {
	JSON_SHAPE_CONSTANT, /* nothing, it stands nowhere: true, false, null */
	JSON_SHAPE_STRING,   /* whether there are escapes */
	JSON_SHAPE_INTEGER,  /* which type holds it */
	JSON_SHAPE_BYTES,
};

/* From so many bytes behind one quote to so many before another. */
struct json_shape_part {
	struct value value; /* but for its bytes and their length */
	uint16_t column;
	uint16_t first, last; /* quotes */
	int16_t behind, before;
	enum json_shape_kind kind;
};

struct json_shape {
	uint32_t length; /* 0: none */
	uint16_t name_count, value_count, place_count, text_count;
	bool has_places;
	struct json_shape *after; /* the one that came last behind this one */
	struct json_shape_name names[JSON_SHAPE_NAMES_MAX];
	struct json_shape_part values[JSON_SHAPE_FIELDS_MAX];
	struct json_shape_part places[JSON_SHAPE_FIELDS_MAX];
	uint8_t bytes[JSON_SHAPE_BYTES_MAX];
	uint8_t text[JSON_SHAPE_TEXT_MAX];
};

/* A record whose strings are in order, and that ends where they have been looked at. */
struct json_shape_record {
	const uint8_t *bytes;
	uint32_t length;
	const struct json_index *index;
	struct json_skeleton skeleton; /* with one quote more, at the record's end */
};

/* Makes it the shape of that record, which is right, with what json_scan() found in it. False, and it is none: there is more of
 * something than room for it, or a name has escapes. places: NULL: nobody asks for them. */
bool json_shape_learn(struct json_shape *shape, const struct json_plan *plan,
		      const struct json_shape_record *of, const struct value *values,
		      const struct json_places *places);

/* Is it this record's? Then the record is right. */
bool json_shape_fits(const struct json_shape *shape, const struct json_shape_record *of);

/* Fills in what json_scan() would. values: those that the record has, so that all are MISSING before. places may be NULL. */
void json_shape_read(const struct json_shape *shape, const struct json_shape_record *of,
		     struct value *values, struct json_places *places);
