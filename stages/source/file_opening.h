/* file_opening.h - how a file_reader opens the file whose turn it is, and looks which file it has, of what form, how long.
 *
 *   OPEN: opening_open -> OPENING: opening_opened -> LOOKING: opening_looked -> FILL
 *
 * Each returns a move's result (file_turn.h). Threads: the owner's. Memory: none of its own. Layer: stages. */
#pragma once

#include "stages/source/file_reader.h"

int opening_open(struct file_reader *r);
/* The descriptor has come, or an error. */
int opening_opened(struct file_reader *r);
/* r->stat has come, or an error. */
int opening_looked(struct file_reader *r);

/* The file, of which r->stat tells, does not hold any more what was read of it: says so, and begins it anew. */
void opening_begin_anew(struct file_reader *r);
