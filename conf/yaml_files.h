/* yaml_files.h - the files that -c names, found and read.
 *
 * Threads: one. Memory: an arena's. Blocks. Layer: conf. */
#pragma once

#include "conf/arena.h"
#include "conf/problems.h"

enum { YAML_FILES_MAX = 1000 };

struct yaml_files {
	/* As the user named them; a directory's as directory/name, sorted by name. */
	const char **names;
	size_t count, room;
};

/* Adds a file's name, or the names of a directory's *.yaml files (hidden ones are left out; *.yml are warned of). 0; -EINVAL with a problem
 * that names it; -ENOMEM, told by the arena. */
int yaml_files_add(struct yaml_files *files, struct arena *arena, const char *name,
		   struct problems *problems);

/* The whole content, NUL-terminated after *ret_length. 0; -ENOMEM; -EFBIG when there are more than `most` bytes; else
 * what open() or read() said, as -errno. */
int yaml_file_read(struct arena *arena, const char *name, size_t most, char **ret_text,
		   size_t *ret_length);
