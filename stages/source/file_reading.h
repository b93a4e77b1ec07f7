/* file_reading.h - how a file_reader brings bytes of the file whose turn it is into its intake: read as they are, or
 * read and decompressed; and how it recognises which of the two it has to do.
 *
 *   FILL: reading_fill --> READING: reading_was_read --> FRAME, or FILL again, or END
 *                     \-> MEASURING: reading_measured --> FILL, or END
 *
 * Each returns a move's result (file_turn.h). Threads: the owner's. Memory: none of its own. Layer: stages. */
#pragma once

#include "stages/source/file_reader.h"

/* A stream's, while another one waits. */
#define FILE_SLICE_NS (10 * UINT64_C(1000000))

int reading_fill(struct file_reader *r);
int reading_was_read(struct file_reader *r);
int reading_measured(struct file_reader *r);

/* How much of this stream is still to be read has been decided. */
bool reading_is_measured(const struct tracked_file *f);
