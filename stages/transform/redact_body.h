/* redact_body.h - the records' own bytes without their secrets, in a buffer of their own.
 *
 *   before   ann@example.com logged in\nnothing here\n
 *   after    *** logged in\nnothing here\n                  as soon as anything is found in a batch, all of it is written anew
 *
 * Room is kept for each record that is still to come, as it is or as the mask: only one that gets longer can lack it.
 *
 * Threads: the stage's. Memory: none of its own. Layer: stages. */
#pragma once

#include "stages/batch.h"
#include "stages/transform/redact_value.h"

struct redact_body {
	struct buffer *buffer; /* NULL: the batch cannot be written anew */
	size_t mask_length;
	bool has_begun; /* something is written: all up to the record at hand */
	size_t used;    /* what is before the record at hand takes, written or not */
	size_t rest;    /* what it and those behind it take as they are */
	struct record texts[BATCH_RECORDS_MAX]; /* where each row's text is in the buffer */
};

/* The batch has rows. Takes a buffer of h's, if there is one that is large enough. */
void redact_body_begin(struct redact_body *y, const struct batch *b, struct home *h,
		       size_t mask_length);

/* The record at hand, one after the other. room as redact_value(). NULL, or why it could not be, and it is to be masked or taken
 * out. */
const char *redact_body_next(struct redact_body *y, const struct batch *b, uint32_t record,
			     struct redact_texts *t, struct scratch *room, const uint8_t *mask);

/* b: what is left of the batch. Gives it the new bytes, if there are any. */
void redact_body_end(struct redact_body *y, struct batch *b);

/* b is no more. */
void redact_body_drop(struct redact_body *y);
