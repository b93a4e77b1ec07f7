/* joiner.h - makes of the lines that stand in a batch, one after the other in its buffer, the records that they are, in the same
 * array.
 *
 *	records   {0,9} {10,4} {15,7}      the first two belong together:  {0,14} {15,7}
 *
 *	joiner_begin(&j, b, rules, &open, first);       first: what is open from before, of length 0 if nothing is
 *	for each line of the batch: joiner_add(&j, line);
 *	joiner_end(&j);                                 j.record is what is open now
 *
 * There may be one record more than there were lines. Threads: the batch's owner's. Memory: the caller's. Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/multiline.h"

struct joiner {
	struct batch *batch;
	struct multiline *rules;
	struct multiline_open *open;
	struct record record; /* open: the bytes of its lines, without the last delimiter */
	struct record
	    closed; /* and has no place yet, as the line there may not have been looked at */
	bool has_closed;
	uint32_t count;
	uint64_t bytes;
};

void joiner_begin(struct joiner *j, struct batch *b, struct multiline *rules,
		  struct multiline_open *open, struct record first);
void joiner_add(struct joiner *j, struct record line);
/* A line that is a record whatever it says. */
void joiner_add_alone(struct joiner *j, struct record line);
/* Whatever comes, what is open is complete. */
void joiner_close(struct joiner *j);
/* Puts count and bytes_total of the batch right. */
void joiner_end(struct joiner *j);
