#include "daemon/mounts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Directories of which the root is the empty text, so that a path below follows with its slash. */
struct mount {
	char *device, *root, *point; /* in `line` */
	char *line;
};

static bool is_octal(const char *digits)
{
	return digits[0] >= '0' && digits[0] <= '3' && digits[1] >= '0' && digits[1] <= '7' &&
	       digits[2] >= '0' && digits[2] <= '7';
}

/* \040 and the like. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; to++) {
		if (*from == '\\' && is_octal(from + 1)) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static char *next_field(char **rest)
{
	char *field = strsep(rest, " ");
	return field ? field : "";
}

static char *next_directory(char **rest)
{
	char *path = next_field(rest);
	if (*path)
		unescape(path);
	return strcmp(path, "/") == 0 ? path + 1 : path;
}

/* 36 35 98:0 /root /point ... (proc_pid_mountinfo(5)) */
static void split(struct mount *m)
{
	char *rest = m->line;
	next_field(&rest);
	next_field(&rest);
	m->device = next_field(&rest);
	m->root = next_directory(&rest);
	m->point = next_directory(&rest);
}

/* Takes the line over. 0 or -ENOMEM. */
static int add(struct mounts *m, char *line)
{
	struct mount *all = reallocarray(m->all, m->count + 1, sizeof *all);
	if (!all) {
		free(line);
		return -ENOMEM;
	}
	m->all = all;
	all[m->count] = (struct mount){.line = line};
	split(&all[m->count++]);
	return 0;
}

int mounts_read(struct mounts *m)
{
	char *line = NULL;
	size_t room = 0;
	int r = 0;
	*m = (struct mounts){.count = 0};
	FILE *from = fopen("/proc/self/mountinfo", "re");
	while (from && r == 0 && getline(&line, &room, from) > 0) {
		r = add(m, line);
		line = NULL;
		room = 0;
	}
	free(line);
	if (from)
		fclose(from);
	if (r < 0)
		mounts_release(m);
	return r;
}

void mounts_release(struct mounts *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->all[i].line);
	free(m->all);
	*m = (struct mounts){.count = 0};
}

/* What of path lies below directory: nothing, or a slash and more; NULL: it does not. */
static const char *below(const char *directory, const char *path)
{
	size_t length = strlen(directory);
	bool is_below =
	    strncmp(directory, path, length) == 0 && (path[length] == '/' || path[length] == '\0');
	return is_below ? path + length : NULL;
}

/* The one that the path lies on: of those at one point the last one hides the others. */
static const struct mount *mount_of(const struct mounts *m, const char *path)
{
	const struct mount *found = NULL;
	for (size_t i = 0; i < m->count; i++)
		if (below(m->all[i].point, path) &&
		    (!found || strlen(m->all[i].point) >= strlen(found->point)))
			found = &m->all[i];
	return found;
}

static bool join(char *to, const char *directory, const char *rest)
{
	return snprintf(to, PATH_MAX, "%s%s", directory, rest) < PATH_MAX;
}

static bool is_one_directory(const char *a, const char *b)
{
	struct stat one, other;
	return stat(*a ? a : "/", &one) == 0 && stat(*b ? b : "/", &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* A mount may be hidden by another: the largest directory that both show must be the same. */
static bool is_seen(const struct mount *a, const struct mount *b)
{
	char one[PATH_MAX], other[PATH_MAX];
	const char *deeper = strlen(a->root) > strlen(b->root) ? a->root : b->root;
	return join(one, a->point, deeper + strlen(a->root)) &&
	       join(other, b->point, deeper + strlen(b->root)) && is_one_directory(one, other);
}

int mounts_other_name(const struct mounts *m, size_t i, const char *path, char *ret_name)
{
	char inner[PATH_MAX];
	const struct mount *own = mount_of(m, path), *other = &m->all[i];
	if (!own || own == other || strcmp(own->device, other->device) != 0 ||
	    !join(inner, own->root, below(own->point, path)))
		return -ENOENT;
	const char *rest = below(other->root, inner);
	if (!rest || !join(ret_name, other->point, rest) || !is_seen(own, other))
		return -ENOENT;
	return 0;
}
