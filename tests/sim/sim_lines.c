#include "tests/sim/sim_lines.h"

#include <stdlib.h>
#include <string.h>

void sim_lines_read(struct sim_lines *l, struct sim_fs *fs, const char *directory)
{
	size_t count;
	struct sim_file *files = sim_fs_files(fs, directory, &count);
	*l = (struct sim_lines){.at = 0};
	for (size_t i = 0; i < count; i++)
		l->is_broken |= sim_file_read(&files[i], &l->held) != NULL;
	free(files);
}

void sim_lines_release(struct sim_lines *l)
{
	free(l->held.at);
	l->held.at = NULL;
}

bool sim_lines_next(struct sim_lines *l, const char **ret_line, size_t *ret_length)
{
	if (l->at == l->held.length)
		return false;
	const char *line = (const char *)l->held.at + l->at;
	const char *end = memchr(line, '\n', l->held.length - l->at);
	*ret_line = line;
	*ret_length = end ? (size_t)(end - line) : l->held.length - l->at;
	l->at += *ret_length + (end != NULL);
	return true;
}
