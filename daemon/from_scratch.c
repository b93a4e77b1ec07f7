#include "daemon/from_scratch.h"
#include "daemon/epoch_log.h"
#include "daemon/stand_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_set_aside(const char *name)
{
	size_t length = strlen(name);
	return length > 4 && strcmp(name + length - 4, ".old") == 0;
}

static bool stays(const char *name)
{
	return name[0] == '.' || strcmp(name, "lock") == 0 || is_set_aside(name);
}

static int set_aside(int directory, const char *name, size_t *count)
{
	char aside[NAME_MAX + 8];
	snprintf(aside, sizeof aside, "%s.old", name);
	if (renameat(directory, name, directory, aside) < 0)
		return -errno;
	++*count;
	return 0;
}

static int set_all_aside(int directory, DIR *listing, size_t *count)
{
	int r = set_aside(directory, epoch_log_name, count);
	if (r < 0 && r != -ENOENT)
		return r;
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(listing);
		if (!entry)
			return -errno;
		r = stays(entry->d_name) ? 0 : set_aside(directory, entry->d_name, count);
		if (r < 0 && r != -ENOENT)
			return r;
	}
}

int from_scratch(int directory, size_t *ret_count)
{
	*ret_count = 0;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	if (!listing) {
		int error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	int r = set_all_aside(directory, listing, ret_count);
	closedir(listing);
	if (r == 0 && fsync(directory) < 0)
		r = (int)synced_or_never_needed(directory, -errno);
	return r;
}
