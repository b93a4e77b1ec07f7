/* file_checking.h - how a file_reader makes sure, before it reads on, that an open file still holds what was read of it.
 *
 *   checking_begin --nothing to doubt--> FILL
 *        |
 *        +--> HEAD --> TAIL --the same--> FILL
 *        +------------->|
 *               \--------+--not the same--> DIFFERS: how long is it? -> FILL, from its beginning, or:
 *
 *   it is shorter than it was --> SHORTER: does it begin as it did? --yes--> FILL, at the end that it has now
 *                                                                  \--no--> FILL, from its beginning
 *
 * What begins with the very bytes it began with, all that a sample holds, has lost its end if the machine was started again
 * since it was whole: a power cut takes from a file what its writer had not synced. Of a compressed one that is said only where no byte is gone that a record came from.
 *
 * Doubt comes with rest, with closing, and with a restart. Where nothing is remembered nothing is checked.
 * Each returns a move's result (file_turn.h).
 *
 * Threads: the owner's. Memory: none of its own. Layer: stages. */
#pragma once

#include "stages/source/file_reader.h"

/* The reader's file is open. */
int checking_begin(struct file_reader *r);
/* A sample has come, or an error. */
int checking_sampled(struct file_reader *r);
/* r->stat has come, or an error. */
int checking_differs(struct file_reader *r);
/* The file is shorter than r->file->end: r->stat says how long. */
int checking_shorter(struct file_reader *r);
