#include "daemon/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as the kernel has it */

/* Adds `/name`; the root's own slash is not doubled. */
static int add_name(char *path, const char *name, size_t length)
{
	size_t at = strcmp(path, "/") == 0 ? 0 : strlen(path);
	if (at + 1 + length >= PATH_MAX)
		return -ENAMETOOLONG;
	path[at] = '/';
	memcpy(path + at + 1, name, length);
	path[at + 1 + length] = '\0';
	return 0;
}

static void drop_name(char *path)
{
	char *slash = strrchr(path, '/');
	slash[slash == path] = '\0';
}

/* Adds what does not exist to what does. */
static int add_names(char *path, const char *rest)
{
	int r = 0;
	for (; *rest && r == 0; rest += strspn(rest, "/")) {
		size_t length = strcspn(rest, "/");
		if (length == 2 && strncmp(rest, "..", 2) == 0)
			drop_name(path);
		else if (length > 0 && !(length == 1 && *rest == '.'))
			r = add_name(path, rest, length);
		rest += length;
	}
	return r;
}

/* The first `length` bytes of a path without its last name and the slashes before it. */
static size_t length_above(const char *path, size_t length)
{
	while (length > 0 && path[length - 1] != '/')
		length--;
	while (length > 0 && path[length - 1] == '/')
		length--;
	return length;
}

/* What exists of the path goes through links, the rest is added. */
static int resolve_names(const char *path, char *resolved)
{
	char head[PATH_MAX];
	size_t length = strlen(path);
	while (length > 0) {
		memcpy(head, path, length);
		head[length] = '\0';
		if (realpath(head, resolved))
			return add_names(resolved, path + length);
		if (errno != ENOENT)
			return -errno;
		length = length_above(path, length);
	}
	if (!realpath(path[0] == '/' ? "/" : ".", resolved))
		return -errno;
	return add_names(resolved, path);
}

/* Where the link at `path` leads, as seen from where we are. */
static int follow(char *path, const char *target)
{
	size_t kept =
	    target[0] == '/' ? 0 : (size_t)(strrchr(path, '/') ? strrchr(path, '/') + 1 - path : 0);
	if (kept + strlen(target) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path + kept, target, strlen(target) + 1);
	return 0;
}

int resolve(const char *path, char *resolved)
{
	char now[PATH_MAX], target[PATH_MAX];
	if (strlen(path) >= sizeof now)
		return -ENAMETOOLONG;
	memcpy(now, path, strlen(path) + 1);
	for (int links = 0; links < LINKS_MAX; links++) {
		ssize_t length = readlink(now, target, sizeof target - 1);
		if (length < 0)
			return resolve_names(now, resolved);
		target[length] = '\0';
		int r = follow(now, target);
		if (r < 0)
			return r;
	}
	return -ELOOP;
}
