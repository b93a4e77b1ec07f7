/* mounts.h - the other names that a path has because what it lies on is mounted elsewhere, too (bind mounts).
 *
 *   /srv/out  --mount --bind-->  /var/log/in        /srv/out/x.log is /var/log/in/x.log as well
 *
 * Threads: one. Memory: mounts_read() to mounts_release(). Layer: daemon. */
#pragma once

#include <stddef.h>

struct mount;

struct mounts {
	struct mount *all;
	size_t count;
};

/* Those that this process sees; where nobody tells, there are none. 0 or -ENOMEM. */
int mounts_read(struct mounts *m);
/* All zero is safe to release. */
void mounts_release(struct mounts *m);

/* What `path`, absolute and without links, is called below mount number i (from 0); it need not be there. Writes
 * PATH_MAX bytes at most. 0; -ENOENT: it has no other name there. Looks at the file system; blocks. */
int mounts_other_name(const struct mounts *m, size_t i, const char *path, char *ret_name);
