#include "daemon/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int add_entry(struct io_listing *l, size_t *room, const struct dirent *d)
{
	if (l->count == *room) {
		size_t larger = *room ? *room * 2 : 64;
		struct io_entry *entries = reallocarray(l->entries, larger, sizeof *entries);
		if (!entries)
			return -ENOMEM;
		l->entries = entries;
		*room = larger;
	}
	char *name = strdup(d->d_name);
	if (!name)
		return -ENOMEM;
	l->entries[l->count++] =
	    (struct io_entry){.name = name, .inode = d->d_ino, .type = d->d_type};
	return 0;
}

static int read_entries(DIR *d, struct io_listing *l)
{
	size_t room = 0;
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(d);
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int r = add_entry(l, &room, entry);
		if (r < 0)
			return r;
	}
}

int listing_read(int directory, const char *path, struct io_listing *into)
{
	int fd = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	DIR *d = fdopendir(fd);
	if (!d) {
		int r = -errno;
		close(fd);
		return r;
	}
	struct io_listing l = {.entries = NULL};
	int r = read_entries(d, &l);
	closedir(d);
	if (r < 0)
		io_listing_release(&l);
	else
		*into = l;
	return r;
}
