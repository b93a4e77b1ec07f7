/* descriptor.h - gives a descriptor away to be closed. From then on its number may be anybody's, so its owner forgets it at once
 * and not when it is closed: else who is given up in between closes it once more.
 * Threads: the owner's. Memory: descriptor_close(): one operation, freed when it is done. Layer: stages. */
#pragma once

#include "stages/io.h"

/* The operation for who waits for it. Sets *fd to -1. */
static inline struct io_op descriptor_closing(int *fd)
{
	struct io_op op = {.code = IO_CLOSE, .fd = *fd};
	*fd = -1;
	return op;
}

/* For who does not. Takes fd over and sets *fd to -1; below 0 does nothing. The operation is io's alone from here on: it may still be
 * under way when the stage that asked for it is gone, but not when io goes. */
void descriptor_close(struct io *io, int *fd);
