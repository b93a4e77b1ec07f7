#include "daemon/status.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

static int64_t in_ns(const struct statx_timestamp *t)
{
	return t->tv_sec * INT64_C(1000000000) + t->tv_nsec;
}

int64_t status_read(int directory, const char *path, struct io_status *into)
{
	struct statx x;
	int flags = path ? 0 : AT_EMPTY_PATH;
	if (statx(directory, path ? path : "", flags, STATX_BASIC_STATS | STATX_BTIME, &x) < 0)
		return -errno;
	*into = (struct io_status){.device = makedev(x.stx_dev_major, x.stx_dev_minor),
				   .inode = x.stx_ino,
				   .size = x.stx_size,
				   .links = x.stx_nlink,
				   .modified_ns = in_ns(&x.stx_mtime),
				   .birth_ns = x.stx_mask & STATX_BTIME ? in_ns(&x.stx_btime) : 0,
				   .mode = x.stx_mode};
	return 0;
}
