/* file_feeding.h - a file output's front half: which file a record belongs to, and as many records into it as it may take.
 * For stages/file_output.c.
 *
 *   a record --> its path --> the lane that has it --> else one that is free --> else: the one used longest ago is to be closed
 *
 * Threads: the owner's. Memory: none. Layer: stages. */
#pragma once

#include "stages/file_output.h"

/* Puts what it can of the current batch; has lanes open and close files for that. STEP_MORE, STEP_WAIT, or -ENAMETOOLONG, having
 * said so. */
int feeding_feed(struct file_output *f);

/* The first path of an output without groups, with nothing to be put yet. 0, or -ENAMETOOLONG, having said so. */
int feeding_name_first(struct file_output *f);
