/* overlaps.h - what only several stages together can get wrong: two sinks that write one file, a sink that writes what
 * its own source reads.
 *
 *   sinks:    writes() -> claims   same file?                       -> problem
 *   sources:  reads()  <- claims of the sinks downstream; read?     -> problem
 *
 * Files are compared as the kernel would find them: made absolute, through links and bind mounts, and those that exist by device and
 * inode. Paths that hold the time are taken as of now; what becomes the same file later is told by its lock when it is
 * opened (stages/output_file.h). Devices may be written by any number.
 *
 * Threads: one. Memory: none kept. Layer: daemon. */
#pragma once

#include "conf/topology.h"

/* 0; -EINVAL with problems added; -ENOMEM. Looks at the file system; blocks. */
int overlaps_check(const struct topology *t, struct problems *problems);
