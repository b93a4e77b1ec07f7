#include "daemon/stand_in.h"
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* EPERM is linkat's answer where there are no second names. */
static bool is_unknown(int error)
{
	return error == EINVAL || error == EOPNOTSUPP || error == ENOSYS;
}

static int64_t look_and_rename(int directory, const char *from, const char *to)
{
	struct stat s;
	if (fstatat(directory, to, &s, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	if (errno != ENOENT)
		return -errno;
	return renameat(directory, from, directory, to) < 0 ? -errno : 0;
}

static int64_t link_and_unlink(int directory, const char *from, const char *to)
{
	if (linkat(directory, from, directory, to, 0) < 0)
		return is_unknown(errno) || errno == EPERM || errno == EMLINK
			   ? look_and_rename(directory, from, to)
			   : -errno;
	return unlinkat(directory, from, 0) < 0 ? -errno : 0;
}

int64_t rename_without_replacing(int directory, const char *from, const char *to)
{
	if (renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0)
		return 0;
	return is_unknown(errno) ? link_and_unlink(directory, from, to) : -errno;
}

static void say_unsynced(void)
{
	log_line(LOG_LEVEL_WARN, NULL, "file system does not sync directories, ignoring",
		 "consequence=%s", "after a power failure it may have lost names of files");
}

int64_t synced_or_never_needed(int fd, int64_t result)
{
	static pthread_once_t said = PTHREAD_ONCE_INIT;
	struct stat s;
	if (result >= 0 || !is_unknown((int)-result) || fstat(fd, &s) < 0 || !S_ISDIR(s.st_mode))
		return result;
	pthread_once(&said, say_unsynced);
	return 0;
}
