/* scratch.h - folders for tests that make and remove thousands of them: in memory where there is such a file system, as
 * what is to be synced has to be told from what is not by the test, never by a disk.
 *
 * Threads: any. Memory: the caller's. Errors: abort, and say why. */
#pragma once

enum { SCRATCH_PATH_MAX = 64 };

/* A new one; of its name. */
void scratch_make(char path[static SCRATCH_PATH_MAX], const char *name);

/* With all that is in it. Any folder's path will do. */
void scratch_remove(const char *path);
