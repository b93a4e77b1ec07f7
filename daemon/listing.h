/* listing.h - reads a directory's entries into memory, for IO_LIST. Threads: any; blocks. Layer: daemon. */
#pragma once

#include "stages/io.h"

/* The entries of `path` (relative to directory), without . and .., in no order. 0 or -errno; into is filled in on
 * success only. */
int listing_read(int directory, const char *path, struct io_listing *into);
