/* json_flat.h - a record of which whole members are written, and of which its parser has left where they stand (json_place.h):
 * written without a scan.
 *
 * Threads: the encoder's. Memory: none. Layer: stages. */
#pragma once

#include "stages/encode/json_tree.h"
#include "stages/encode/writer.h"

struct json_flat {
	const struct json_tree *tree;
	int object, places;             /* columns; places -1: none would be of use */
	uint16_t children[COLUMNS_MAX]; /* the root's, by column; JSON_NO_COLUMN */
};

/* The tree is complete, and outlives this. */
void json_flat_init(struct json_flat *f, const struct json_tree *tree);

/* columns: of the batch. line: the record's bytes, if there are no line breaks in them, else nothing. False, and nothing is written: it
 * has no places. */
bool json_flat_put(const struct json_flat *f, const struct value *const *columns, uint32_t row,
		   const uint8_t *line, const uint8_t *line_end, struct writer *w);
