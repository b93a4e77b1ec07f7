/* lua_outputs.h - what becomes of the records of one batch: each one, none, or several, in their order.
 *
 *	records   0    1         2           of the batch that comes in, over its rows; row 1 becomes free when record 1 is dropped
 *	outputs   0    -    2a  2b  2c       over rows of their own, copies of record 2's with changes
 *
 * Nothing of a record is changed before all that it becomes is known: outputs_mark(), then either what was added since stays, or
 * outputs_undo().
 *
 * Threads: the stage's. Memory: its own. Layer: stages. */
#pragma once

#include "stages/batch.h"

struct lua_output {
	const uint8_t *body;
	uint32_t length;
	uint16_t row;
	const char *why; /* static: the record could not be processed; NULL: it was */
};

struct lua_outputs {
	struct batch *batch;
	bool is_rebuilt; /* bodies stand elsewhere than in the batch's buffer, or twice */
	uint32_t count, failed;
	uint32_t rows_used;
	size_t bytes; /* of bodies and their delimiters */
	uint64_t used[BATCH_RECORDS_MAX / 64];
	struct lua_output list[BATCH_RECORDS_MAX];
};

/* Of a batch that has rows, all of them used by its records. */
void outputs_begin(struct lua_outputs *o, struct batch *b);

/* A row that is like that one. There is one as long as fewer than BATCH_RECORDS_MAX are used. */
uint16_t outputs_copy_row(struct lua_outputs *o, uint16_t row);
void outputs_free_row(struct lua_outputs *o, uint16_t row);

void outputs_add(struct lua_outputs *o, const struct lua_output *output);

/* Takes back those behind the first `count`, and their rows. */
void outputs_undo(struct lua_outputs *o, uint32_t count, size_t bytes);

/* The batch, the one they were made of or a clone of it, becomes them; text: where bodies go if they are rebuilt, and there is
 * room. */
void outputs_become(const struct lua_outputs *o, struct batch *b, struct buffer *text);
