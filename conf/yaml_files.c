#include "conf/yaml_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct problems *problems, const char *name, const char *what, int error)
{
	problem_add(problems, (struct place){.file = name}, "%s: %s", what, strerror(error));
	return -EINVAL;
}

static int add_name(struct yaml_files *files, struct arena *arena, const char *name,
		    struct problems *problems)
{
	const char **names;

	for (size_t i = 0; i < files->count; i++) {
		if (strcmp(files->names[i], name) != 0)
			continue;
		problem_add(problems, (struct place){.file = name},
			    "this file is given twice; keep one");
		return -EINVAL;
	}
	if (files->count == YAML_FILES_MAX) {
		problem_add(problems, (struct place){.file = name}, "more than %d files",
			    YAML_FILES_MAX);
		return -EINVAL;
	}
	names = arena_grow(arena, files->names, files->count, &files->room, sizeof(*names));
	if (!names)
		return -ENOMEM;
	files->names = names;
	files->names[files->count] = arena_copy(arena, name, strlen(name));
	return files->names[files->count] ? (files->count++, 0) : -ENOMEM;
}

static bool ends_in(const char *name, const char *ending)
{
	size_t length = strlen(name), ending_length = strlen(ending);

	return *name != '.' && length > ending_length &&
	       !strcmp(name + length - ending_length, ending);
}

/* Who wrote it meant it to be read. */
static void warn_of_yml(const char *directory, const char *name, struct problems *problems)
{
	problem_warn(problems, (struct place){.file = directory},
		     "`%s` is passed over: of a directory *.yaml files are read; rename it", name);
}

static int add_entry(struct yaml_files *files, struct arena *arena, const char *directory,
		     const char *name, struct problems *problems)
{
	size_t length = strlen(directory);
	const char *slash = length && directory[length - 1] == '/' ? "" : "/";
	const char *path = arena_format(arena, "%s%s%s", directory, slash, name);
	struct stat st;

	if (!path)
		return -ENOMEM;
	/* What can't be examined is named by who tries to read it. */
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return 0;
	return add_name(files, arena, path, problems);
}

static int by_name(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static int add_directory(struct yaml_files *files, struct arena *arena, const char *name,
			 struct problems *problems)
{
	DIR *directory = opendir(name);
	size_t first = files->count;
	int result = 0;

	if (!directory)
		return refuse(problems, name, "can't read this directory", errno);
	while (!result) {
		struct dirent *entry;
		errno = 0;
		entry = readdir(directory);
		if (!entry) {
			if (errno)
				result = refuse(problems, name, "can't read this directory", errno);
			break;
		}
		if (ends_in(entry->d_name, ".yml"))
			warn_of_yml(name, entry->d_name, problems);
		if (ends_in(entry->d_name, ".yaml"))
			result = add_entry(files, arena, name, entry->d_name, problems);
	}
	closedir(directory);
	if (!result && files->count == first) {
		problem_add(problems, (struct place){.file = name},
			    "no *.yaml file in this directory");
		result = -EINVAL;
	}
	if (files->count > first)
		qsort(files->names + first, files->count - first, sizeof(*files->names), by_name);
	return result;
}

int yaml_files_add(struct yaml_files *files, struct arena *arena, const char *name,
		   struct problems *problems)
{
	struct stat st;

	if (stat(name, &st))
		return refuse(problems, name, "can't read this file", errno);
	if (S_ISDIR(st.st_mode))
		return add_directory(files, arena, name, problems);
	return add_name(files, arena, name, problems);
}

/* Fills text until the end of the file or until one byte more than `most` is there. */
static int read_all(int fd, char *text, size_t most, size_t *ret_length)
{
	size_t length = 0;

	while (length <= most) {
		ssize_t n = read(fd, text + length, most + 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		length += (size_t)n;
	}
	if (length > most)
		return -EFBIG;
	*ret_length = length;
	return 0;
}

int yaml_file_read(struct arena *arena, const char *name, size_t most, char **ret_text,
		   size_t *ret_length)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *buffer, *text = NULL;
	size_t length = 0;
	int result;

	if (fd < 0)
		return -errno;
	/* Pipes have no size to ask for: room for the most there may be, then a copy that fits. */
	buffer = malloc(most + 1);
	result = buffer ? read_all(fd, buffer, most, &length) : -ENOMEM;
	close(fd);
	if (!result) {
		text = arena_copy(arena, buffer, length);
		result = text ? 0 : -ENOMEM;
	}
	if (buffer)
		explicit_bzero(buffer, length);
	free(buffer);
	if (result == -ENOMEM)
		arena->exhausted = true;
	if (result)
		return result;
	*ret_text = text;
	*ret_length = length;
	return 0;
}
