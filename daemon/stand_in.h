/* stand_in.h - for what some file systems refuse (NFS, several of FUSE's): the nearest thing that they do.
 *
 * Threads: any; may block as long as the file system does. Memory: none. Layer: daemon. */
#pragma once

#include <stdint.h>

/* renameat2(2) within one directory (or AT_FDCWD), that replaces nothing: 0, -EEXIST or -errno. Where it is refused, by a
 * second name and taking the first away: a crash in between leaves both, which is what undoing a rename expects. Where there
 * are no second names either, by looking before renaming: somebody else may make that name in between, but an output is
 * renamed while it is locked, and nobody else gives names that are made of its own and the time. */
int64_t rename_without_replacing(int directory, const char *from, const char *to);

/* What a sync of fd answered, or 0 where fd is a directory of a file system that syncs none, and so is relied on to keep its
 * names; that is said once. */
int64_t synced_or_never_needed(int fd, int64_t result);
