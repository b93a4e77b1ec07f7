/* descriptor.h - closes a descriptor that nobody waits for.
 * Threads: the owner's. Memory: one operation, freed when it is done. Layer: stages. */
#pragma once

#include "stages/io.h"

/* Takes fd over and sets *fd to -1; below 0 does nothing. The operation is io's alone from here on: it may still be
 * under way when the stage that asked for it is gone, but not when io goes. */
void descriptor_close(struct io *io, int *fd);
