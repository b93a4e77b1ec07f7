/* status.h - what there is to know of a file, by statx(2).
 * Threads: any. Memory: none. Layer: daemon. */
#pragma once

#include "stages/io.h"

/* Of path, seen from directory, following links; of the descriptor itself when path is NULL. 0 or -errno. */
int64_t status_read(int directory, const char *path, struct io_status *into);
