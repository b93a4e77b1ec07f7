/* dead_letter.h - what a dead letter says of itself: why it is one, which stage says so, after how many attempts.
 *
 *   {"body": "...", "error": "...", "dead_letter": {"reason": "HTTP 400", "stage": "out", "attempts": 1}}
 *
 * Threads: the stage's. Memory: none. Layer: stages. */
#pragma once

#include "stages/stage.h"

/* All records of the batch, as far as anybody below wants to know. reason: static. */
void dead_letter_address(const struct stage *s, struct batch *b, const char *reason,
			 uint64_t attempts);

/* One of them, which has rows. */
void dead_letter_address_one(const struct stage *s, struct batch *b, uint32_t record,
			     const char *reason, uint64_t attempts);
