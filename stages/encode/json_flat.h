/* json_flat.h - records whose fields are all members of the record itself: written without going through a tree. Either their parser
 * has left where the members stand (json_place.h), or there is no text to begin with.
 *
 * Threads: the encoder's. Memory: none. Layer: stages. */
#pragma once

#include "stages/encode/json_tree.h"
#include "stages/encode/writer.h"

enum { JSON_FLAT_MEMBERS_MAX = 64 };

struct json_flat_member {
	const uint8_t *key; /* the tree's */
	uint32_t key_length;
	uint32_t column;
};

struct json_flat {
	bool is_flat;
	int object, places; /* columns; -1: there is no object, no places would be of use */
	int error; /* the column of `error`, which alone makes no record; -1: nobody writes it */
	struct json_flat_member members[JSON_FLAT_MEMBERS_MAX];
	uint32_t count;
	uint16_t by_column[COLUMNS_MAX]; /* members; JSON_NO_COLUMN */
};

/* The tree is complete, and outlives this. */
void json_flat_init(struct json_flat *f, const struct json_tree *tree, int error);

/* columns: of the batch. line: the record's bytes, if there are no line breaks in them, else nothing. False, and nothing is written: it
 * has no places, or no fields, or all is not flat. */
bool json_flat_put(const struct json_flat *f, const struct value *const *columns, uint32_t row,
		   const uint8_t *line, const uint8_t *line_end, struct writer *w);
